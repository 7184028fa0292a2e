"""A module that cannot be imported."""

import json

json.loads("this is not JSON")
