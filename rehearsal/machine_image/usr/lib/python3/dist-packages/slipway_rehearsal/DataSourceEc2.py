"""cloud-init's own EC2 data source, for an instance that is a container.

cloud-init recognises EC2 by the SMBIOS of the machine, which a container does not have, and then talks to the
metadata service in its second version. Here the answer is known. The container engine has set up the network.
"""

from cloudinit import sources
from cloudinit.sources import DataSourceEc2 as ec2


class DataSourceEc2(ec2.DataSourceEc2):
    """EC2, without asking the machine's firmware."""

    def _get_cloud_name(self):
        return ec2.CloudNames.AWS

    @property
    def network_config(self):
        """Leave the network as it is."""
        return {"config": "disabled"}


def get_datasource_list(depends):
    """cloud-init's question for the data sources of a stage."""
    needs = (sources.DEP_FILESYSTEM, sources.DEP_NETWORK)
    return sources.list_from_depends(depends, [(DataSourceEc2, needs)])
