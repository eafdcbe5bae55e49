"""What cloud-init needs to know on a host of the rehearsal."""
