"""The emulated AWS account of the rehearsal: moto's backends, corrected, guarded and remembered.

| module | what |
|---|---|
| `server` | the account's API on HTTP addresses of this machine |
| `corrections` | what moto does otherwise than AWS, per service |
| `authorization` | who may call what: IAM and resource policies decide |
| `backchannel` | through which the data plane tells the account what is true |
| `memory` | the account survives the death of its process |

moto reads its settings when it is imported, so they are made here, before any other module of the package can
import it: https://docs.getmoto.org/en/latest/docs/configuration/environment_variables.html
"""

from __future__ import annotations

import os

from rehearsal.settings import ACCOUNT_ID

os.environ.update(
    {
        "MOTO_ACCOUNT_ID": ACCOUNT_ID,
        "MOTO_ALLOW_NONEXISTENT_REGION": "false",
        "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
        # moto's own images would be some hundreds of old ones; corrections.images has ours.
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        "MOTO_ENABLE_AMI_VALIDATION": "true",
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "false",
        # Authorization is ours; moto must not answer before or after it.
        "INITIAL_NO_AUTH_ACTION_COUNT": "inf",
        "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
    }
)
