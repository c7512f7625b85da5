"""Le relais de l'étape 14 : ce qui n'est pas attrapé quand Redis s'en va, ou qui part avec lui."""

import ast

from workshop.diagnosis.rules import rule
from workshop.diagnosis.settings import quoted
from workshop.project.sources import Place

WITHOUT_REDIS = {"steps": range(14, 100), "goals": "test_promise"}


@rule(**WITHOUT_REDIS)
def other_connection_error(case):
    """Ce ConnectionError est celui de Python, et celui de redis n'en est pas un. Attrapez
    RedisError, qui vient de redis."""
    for source in case.project.sources:
        imported = {
            alias.name
            for node in source.nodes
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("redis")
            for alias in node.names
        }
        for node in source.nodes:
            caught = node.type if isinstance(node, ast.ExceptHandler) else None
            names = (
                {one.id for one in ast.walk(caught) if isinstance(one, ast.Name)} if caught else ()
            )
            if "ConnectionError" in names and "ConnectionError" not in imported:
                yield Place(source.name, node.lineno)


@rule(**WITHOUT_REDIS)
def groups_in_redis(case):
    """channels_redis.core garde les groupes dans Redis, qui les perd en s'arrêtant. Prenez
    'channels_redis.pubsub.RedisPubSubChannelLayer'."""
    place = quoted(case, "channels_redis.core")
    if place.line:
        yield place
