"""Les règles, par phase, dans l'ordre où l'on rencontre ce dont elles parlent."""

from workshop.diagnosis import (
    console,  # noqa: F401  ses règles se déclarent
    consumer,  # noqa: F401
    conversation,  # noqa: F401
    database,
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

OLD = (
    suites.suite,
    outside.environment,
    outside.requirements,
    files.no_project,
    files.missing_file,
    files.unreadable,
    security.uncaught,
    security.not_awaited,
    security.token,
    security.origin,
    security.protocol,
    security.policy,
    security.production,
    settings.wrong_shape,
    settings.system_check,
    settings.layers,
    settings.asgi_application,
    names.missing_module,
    names.missing_name,
    names.undefined_name,
    settings.refused_settings,
    names.missing_attribute,
    routing.bad_route,
    routing.middleware_order,
    settings.french,
    settings.paris,
    settings.daphne,
    page.template,
    page.route_name,
    page.home,
    page.static_file,
    outside.page,
    outside.client,
    outside.browser,
    routing.wrong_entrance,
    routing.not_an_application,
    routing.no_route,
    routing.origin,
    routing.own_page_refused,
    page.subprotocol,
    page.two_languages,
    page.console,
    page.reloaded,
    page.never_knocked,
    page.as_html,
    page.outage,
    database.missing_migration,
    history.forgotten_await,
    history.not_json,
    history.model_in_event,
    history.same_twice,
    history.no_value,
    history.one_count_for_all,
    history.forgotten,
    history.told_before_kept,
    history.page,
)


def _old(function):
    @rule(outside=function in (outside.environment, outside.browser, suites.suite))
    def adapted(case):
        found = function(case)
        if found and found.cause:
            yield found.code, Place(found.file or "", found.line), found.cause, found.observed


for _function in OLD:
    _old(_function)
