"""Lambda as a service of the embedded AWS: functions and mappings behind Lambda's own API."""
