"""How the fuzzer logs in."""

import os
from typing import Any

import requests
import schemathesis

if os.environ["FUZZ_EMAIL"]:

    @schemathesis.auth(refresh_interval=600)  # seconds; an access token lives for 15 minutes
    class LogIn:
        def get(self, case: Any, context: Any) -> str:
            known = {"email": os.environ["FUZZ_EMAIL"], "password": os.environ["FUZZ_PASSWORD"]}
            answer = requests.post(
                f"{os.environ['FUZZ_URL']}/api/v1/auth/token/", json=known, timeout=30
            )
            answer.raise_for_status()
            return answer.json()["access"]

        def set(self, case: Any, data: str, context: Any) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
