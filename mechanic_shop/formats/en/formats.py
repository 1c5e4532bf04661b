"""What Django's forms, and the calendars of the admin's scripts, read as a day; Django
adds ISO 8601.
"""

from mechanic_shop.admin.dates import input_format


def __getattr__(name: str) -> list[str]:
    """Asked when it is needed: the settings are not there yet when Django imports this."""
    if name == "DATE_INPUT_FORMATS":
        return [input_format()]
    if name == "DATETIME_INPUT_FORMATS":
        return [f"{input_format()} {time}" for time in ("%H:%M:%S", "%H:%M")]
    raise AttributeError(name)
