"""Les règles, par phase, dans l'ordre où l'on rencontre ce dont elles parlent."""

from workshop.diagnosis import (  # noqa: F401  les règles se déclarent
    consumer,
    database,
    files,
    history,
    middleware,
    names,
    outside,
    page,
    routing,
    security,
    settings,
    suites,
    texts,
)
from workshop.diagnosis.rules import rule
from workshop.project.sources import Place

OLD = (
    suites.suite,
    security.uncaught,
    security.not_awaited,
    security.token,
    security.origin,
    security.protocol,
    security.policy,
    security.production,
    consumer.not_a_consumer,
    routing.bad_route,
    routing.middleware_order,
    page.template,
    page.route_name,
    page.home,
    page.static_file,
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
    consumer.replaced_method,
    consumer.decorated,
    consumer.own_init,
    consumer.class_groups,
    consumer.bad_event,
    consumer.mixed_sync,
    consumer.wrong_signature,
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
    consumer.not_awaited,
    consumer.wrong_call,
    consumer.bad_await,
    consumer.missing_key,
    consumer.double_accept,
    consumer.spoke_too_soon,
    consumer.no_handler,
    consumer.bad_group_name,
    consumer.bad_content,
    consumer.known_errors,
    consumer.departure,
    consumer.handshake_silence,
    consumer.closed_by_project,
    consumer.empty_text,
    consumer.defined_twice,
    texts.misheard,
    consumer.no_welcome,
    consumer.no_echo,
    consumer.not_a_room,
)


def _old(function):
    @rule(outside=function is suites.suite)
    def adapted(case):
        found = function(case)
        if found and found.cause:
            yield found.code, Place(found.file or "", found.line), found.cause, found.observed


for _function in OLD:
    _old(_function)
