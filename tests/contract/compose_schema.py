"""What docker-compose.yml may say: the part of the compose specification that it uses."""

DURATION = {"type": "string", "pattern": r"^\d+(s|m)$"}
TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
HEALTH = {
    "type": "object",
    "required": ["test", "interval", "timeout", "retries", "start_period"],
    "additionalProperties": False,
    "properties": {
        "test": {"type": "array", "prefixItems": [{"const": "CMD"}], "minItems": 2},
        "interval": DURATION,
        "timeout": DURATION,
        "start_period": DURATION,
        "retries": {"type": "integer", "minimum": 1},
    },
}
SERVICE = {
    "type": "object",
    "required": ["image", "restart", "environment", "logging"],
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string"},
        "build": {
            "type": "object",
            "required": ["context", "dockerfile"],
            "additionalProperties": False,
            "properties": {"context": {"const": "."}, "dockerfile": {"type": "string"}},
        },
        "command": TEXTS,
        "restart": {"enum": ["unless-stopped", "on-failure:3"]},
        "init": {"type": "boolean"},
        "read_only": {"type": "boolean"},
        "cap_drop": TEXTS,
        "security_opt": TEXTS,
        "tmpfs": TEXTS,
        "shm_size": {"type": "string"},
        "stop_grace_period": DURATION,
        "logging": {"type": "object", "required": ["driver", "options"]},
        "environment": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Z0-9_]+$"},
            "additionalProperties": {"type": "string"},
        },
        "ports": {"type": "array", "items": {"pattern": r"^127\.0\.0\.1:.+:\d+$"}},
        "volumes": TEXTS,
        "healthcheck": HEALTH,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["condition"],
                "additionalProperties": False,
                "properties": {
                    "condition": {"enum": ["service_healthy", "service_completed_successfully"]}
                },
            },
        },
    },
}
COMPOSE = {
    "type": "object",
    "required": ["name", "services", "volumes"],
    "additionalProperties": False,
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"const": "pixelpop"},
        "services": {"type": "object", "additionalProperties": SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": "null"}},
    },
}
