"""The rehearsal: an emulated AWS account whose resources have real bodies, on one machine."""
