from django.apps import AppConfig


class DatabaseConfig(AppConfig):
    """The base of every model. Its label names tables that exist: ``api_auditentry``
    and others.
    """

    name = "mechanic_shop.db"
    label = "api"
    verbose_name = "API"
