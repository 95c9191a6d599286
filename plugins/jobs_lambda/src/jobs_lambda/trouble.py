"""What boto3 raises, in words that say what to do and quote nothing. Importing this imports botocore.

AWS's own messages are not shown: some quote the request.
"""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from jobs_lambda.errors import Trouble

LONGEST = 86400.0
"""Seconds that AWS may put a task off for."""

THROTTLED = frozenset(
    (
        *("TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"),
        *("EC2ThrottledException", "429"),
    )
)
DENIED = frozenset(("AccessDeniedException", "AccessDenied"))
UNKNOWN = frozenset(
    (
        *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException"),
        *("SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationTokenException"),
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
    )
)
"""What AWS answers to credentials that are not good, or not any more."""

ACTIONS = {"Invoke": "lambda:InvokeFunction", "AssumeRole": "sts:AssumeRole"}
"""What a policy of IAM calls an operation."""

_RENEW = "the AWS credentials cannot be had: renew them, log in again or correct the configuration"
_BROKE = "the connection broke before the answer was complete, and the function may go on"

RAISED = {
    "NoCredentialsError": (
        "credentials",
        "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, "
        "or give this machine a role",
    ),
    "PartialCredentialsError": (
        "credentials",
        "the AWS credentials are incomplete: set both the access key and its secret",
    ),
    "CredentialRetrievalError": ("credentials", _RENEW),
    "InvalidConfigError": ("credentials", _RENEW),
    "LoginError": ("credentials", _RENEW),
    "MetadataRetrievalError": ("credentials", _RENEW),
    "SSOError": ("credentials", _RENEW),
    "TokenRetrievalError": ("credentials", _RENEW),
    "UnknownCredentialError": ("credentials", _RENEW),
    "NoRegionError": ("settings", "no AWS region is known: set JOBS_LAMBDA_REGION or the key 'region'"),
    "InvalidRegionError": ("settings", "the AWS region is none: correct its name"),
    "ProfileNotFound": ("settings", "the AWS configuration has no such profile: correct its name"),
    "ConfigParseError": ("settings", "the AWS configuration cannot be read: correct the file"),
    "SSLError": ("tls", "TLS failed: check the endpoint, AWS_CA_BUNDLE and this machine's clock"),
    "ConnectTimeoutError": ("timeout", "no connection to AWS stood in time: check the network"),
    "ReadTimeoutError": ("timeout", "no answer came in time, and the function may go on"),
    "ConnectionError": (
        "connect",
        "no connection could be made: check the network, the region and the endpoint",
    ),
    "HTTPClientError": ("connect", _BROKE),
    "IncompleteReadError": ("connect", _BROKE),
}
"""The code and the words for what boto3 raises without an answer, by the name of its class or a base."""

WORDS = {
    "ResourceNotFoundException": "this account and region have no such function, version or alias",
    "InvalidRequestContentException": "AWS does not take the event: check it",
    "RequestTooLargeException": "AWS does not take so large an event: make it smaller",
    "ResourceConflictException": "the function is being created or updated",
    "ServiceException": "AWS had an error of its own",
}


def as_trouble(error: Exception) -> Trouble:
    """What an exception means."""
    if isinstance(error, ClientError):
        return _answered(error)
    for kind in type(error).__mro__:
        if kind.__name__ in RAISED:
            code, words = RAISED[kind.__name__]
            return Trouble(code, f"{words} ({type(error).__name__})")
    return Trouble("error", f"an error that nobody foresaw ({type(error).__name__})")


def _answered(error: ClientError) -> Trouble:
    """What an answer of AWS means. A function's own failures are none: they come with the status 200."""
    about = error.response.get("ResponseMetadata", {})
    status = int(about.get("HTTPStatusCode", 0))
    name = str(error.response.get("Error", {}).get("Code", ""))
    if not re.fullmatch(r"[A-Za-z]\w{0,79}", name, re.ASCII):
        name = f"HTTP {status}"
    wait = _retry_after(about.get("HTTPHeaders", {}).get("retry-after", ""))
    if status == 429 or name in THROTTLED:
        return Trouble("throttled", f"AWS throttles it ({name})", name, wait)
    if name in UNKNOWN:
        words = "AWS does not accept the credentials: check them, and the clock of this machine"
        return Trouble("credentials", f"{words} ({name})", name)
    if name in DENIED:
        action = ACTIONS.get(error.operation_name, error.operation_name)
        return Trouble(str(status), f"AWS denies it: allow {action} to these credentials ({name})", name)
    words = f"{WORDS[name]} ({name})" if name in WORDS else f"AWS answered {name}"
    return Trouble(str(status), words, name, wait)


def _retry_after(words: str) -> float | None:
    """Seconds to wait that AWS asked for; None if it did not."""
    return min(LONGEST, float(words[:9])) if words.isascii() and words.isdigit() else None
