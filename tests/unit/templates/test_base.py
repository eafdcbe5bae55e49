"""What the files of the role base say."""

from __future__ import annotations

from tests.unit.templates.render import render


def test_security_upgrades_can_be_switched_off() -> None:
    assert 'APT::Periodic::Unattended-Upgrade "1";' in render("base", "apt-periodic.conf.j2")
    assert 'APT::Periodic::Unattended-Upgrade "0";' in render(
        "base", "apt-periodic.conf.j2", base_security_upgrades=False
    )


def test_nothing_reboots_by_itself() -> None:
    assert 'Automatic-Reboot "false";' in render("base", "apt-periodic.conf.j2")


def test_no_time_server_means_the_distributions_own() -> None:
    assert "NTP=" not in render("base", "timesyncd.conf.j2")
    assert "NTP=169.254.169.123\n" in render("base", "timesyncd.conf.j2", base_time_servers=["169.254.169.123"])


def test_the_kernel_settings_touch_the_network_namespace_alone() -> None:
    # A container shares every other setting with the machine that it runs on.
    settings = [line for line in render("base", "sysctl.conf.j2").splitlines() if "=" in line]

    assert settings
    assert all(line.startswith("net.") for line in settings)
