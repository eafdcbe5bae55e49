#!/bin/sh
# Runs last on a builder: what stays on the disk is what every instance of the image begins with.
set -eu

# An image has no secrets. Each of these would be one, or would make the instances act for another machine.
for path in /etc/slipway/host.json /run/slipway/application.env /srv/application/current; do
    if [ -e "$path" ] || [ -L "$path" ]; then
        echo "seal: $path belongs to a running instance, not to an image" >&2
        exit 1
    fi
done

apt-get clean
find /var/lib/apt/lists -mindepth 1 -delete

# The next boot is a first boot: user data is read, host keys and the machine id are made anew.
if command -v cloud-init >/dev/null; then
    cloud-init clean --logs
fi
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
rm -f /etc/ssh/ssh_host_*
rm -f /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
rm -f /root/.bash_history /home/*/.bash_history

rm -rf /var/log/journal/* /var/log/amazon/ssm/* /var/lib/amazon/ssm/*/document/orchestration
find /var/log -type f -exec truncate --size 0 {} +
find /tmp /var/tmp -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' ! -name '*ansible*' -exec rm -rf {} +
sync
