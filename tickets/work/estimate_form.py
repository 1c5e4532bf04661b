"""A form that sends back which estimate its page was made of."""

from typing import Any, cast

from django import forms
from django.http import QueryDict

from mechanic_shop.admin.buttons import ButtonForm
from mechanic_shop.errors import DomainError

from ..lifecycle.snapshot import load_snapshot


class EstimateForm(ButtonForm):
    """Sends back which estimate the page was made of."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    expected_total = forms.DecimalField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.snapshot = load_snapshot(self.obj)
        bill = self.snapshot.price(self.snapshot.offered())
        self.read = {"version": self.snapshot.version_of(bill), "expected_total": bill.total}
        for name, value in self.read.items():
            self.fields[name].initial = value

    def refuse(self, refusal: DomainError) -> None:
        """Where the estimate changed, the page shows it as it is now, and sends that
        back.
        """
        if refusal.code == "estimate_changed":
            data = cast(QueryDict, self.data).copy()
            for name, value in self.read.items():
                data[self.add_prefix(name)] = str(value)
            self.data = data
        super().refuse(refusal)
