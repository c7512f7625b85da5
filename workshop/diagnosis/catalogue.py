"""Les règles, par phase, dans l'ordre où l'on rencontre ce dont elles parlent."""

from workshop.diagnosis import (
    consumer,
    files,
    history,
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
    consumer.not_a_consumer,
    names.missing_attribute,
    settings.french,
    settings.paris,
    settings.daphne,
    outside.page,
    outside.client,
    outside.browser,
    consumer.replaced_method,
    consumer.decorated,
    consumer.own_init,
    consumer.class_groups,
    consumer.bad_event,
    consumer.mixed_sync,
    consumer.wrong_signature,
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
    @rule(outside=function in (outside.environment, outside.browser))
    def adapted(case):
        found = function(case)
        if found and found.cause:
            yield found.code, Place(found.file or "", found.line), found.cause, found.observed


for _function in OLD:
    _old(_function)
