"""Les règles, dans l'ordre : les fichiers, les réglages, les noms, les routes, la conversation."""

from workshop.diagnosis import consumer, database, files, names, outside, routing, settings, texts

RULES = (
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
    routing.bad_route,
    routing.middleware_order,
    settings.french,
    settings.paris,
    settings.daphne,
    outside.page,
    outside.client,
    outside.browser,
    routing.wrong_entrance,
    routing.not_an_application,
    routing.no_route,
    routing.origin,
    routing.own_page_refused,
    consumer.replaced_method,
    consumer.decorated,
    consumer.own_init,
    consumer.class_groups,
    consumer.bad_event,
    consumer.mixed_sync,
    consumer.wrong_signature,
    database.missing_migration,
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


def unknown(case):
    """Aucune cause n'est sûre : ce que l'on a observé, et la ligne du projet la plus proche."""
    for error in case.errors:
        if error.place.file:
            line = case.project.source(error.place.file).line(error.place.line)
            observed = f"{case.observed} La ligne du projet où cela arrive : {line}"
            return case.says("unknown", None, error.place, observed)
    return case.says("unknown", None, None, case.observed)
