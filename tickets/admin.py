"""Django looks for an app's admin pages here; they lie with their features."""

from .approvals import admin as approvals_admin  # noqa: F401
from .billing import document_admin, invoice_admin, payment_admin  # noqa: F401
from .desk import admin as desk_admin  # noqa: F401
from .work import catalog_admin  # noqa: F401
