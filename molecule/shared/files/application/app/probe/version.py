VERSION = "unversioned"
