"""Create Lambda clients. Importing this module imports botocore."""

from __future__ import annotations

from functools import partial
from typing import Any

from boto3 import Session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError
from botocore.session import Session as Core

from jobs_lambda import wire
from jobs_lambda.line import check
from jobs_lambda.place import Place

CONNECT = 10
"""Seconds to wait for a connection."""
LONGEST = 15 * 60 + 30
"""Seconds to wait for a response. A function runs for at most 15 minutes."""
STS = 30
"""Seconds to wait for the credentials of a role."""


def connect(place: Place, connections: int) -> Any:
    """Return a Lambda client for a place, with a pool of `connections`. boto3 chooses the rest.

    Raises exceptions of boto3.
    """
    core = _core(place)
    if place.role:
        provider = Assumed(_core(place), place.role)
        core.register_component("credential_provider", CredentialResolver([provider]))
    config = _config(LONGEST, max_pool_connections=connections)
    client = Session(botocore_session=core).client("lambda", endpoint_url=place.endpoint, config=config)
    client.meta.events.register("before-send.lambda.Invoke", check)
    wire.watch(client)
    return client


class Assumed(CredentialProvider):
    """The credentials of a role. botocore renews them before they expire."""

    METHOD = "assume-role"

    def __init__(self, core: Core, role: str) -> None:
        super().__init__(core)
        source = core.get_credentials()
        if source is None:
            raise NoCredentialsError
        self._fetcher = AssumeRoleCredentialFetcher(
            partial(core.create_client, config=_config(STS)),
            source,
            role,
            extra_args={"RoleSessionName": "jobs-lambda"},
        )

    def load(self) -> Any:
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)


def _core(place: Place) -> Core:
    core = Core(profile=place.profile)
    if place.region:
        core.set_config_variable("region", place.region)
    return core


def _config(wait: float, **others: Any) -> Config:
    """Return a configuration without retries, because the policy of the task retries."""
    return Config(
        connect_timeout=CONNECT,
        read_timeout=wait,
        retries={"total_max_attempts": 1},
        user_agent_extra="jobs-lambda",
        **others,
    )
