"""Les règles, par phase, dans l'ordre où l'on rencontre ce dont elles parlent."""

from workshop.diagnosis import (
    console,  # noqa: F401  ses règles se déclarent
    consumer,  # noqa: F401
    conversation,  # noqa: F401
    files,
    handshake,  # noqa: F401
    history,
    names,
    outside,
    page,
    routing,
    security,
    settings,
    suites,
    texts,  # noqa: F401
)
from workshop.diagnosis.rules import rule
from workshop.project.sources import Place

# Celles-ci se déclarent en s'important.
NEW = (history, page, routing, security, suites)
OLD = (
    outside.environment,
    outside.requirements,
    files.no_project,
    files.missing_file,
    files.unreadable,
    settings.wrong_shape,
    settings.system_check,
    settings.layers,
    settings.asgi_application,
    names.missing_module,
    names.missing_name,
    names.undefined_name,
    settings.refused_settings,
    names.missing_attribute,
    settings.french,
    settings.paris,
    settings.daphne,
    outside.page,
    outside.client,
    outside.browser,
)


def _old(function):
    @rule(outside=function in (outside.environment, outside.browser))
    def adapted(case):
        found = function(case)
        if found and found.cause:
            yield found.code, Place(found.file or "", found.line), found.cause, found.observed


for _function in OLD:
    _old(_function)
