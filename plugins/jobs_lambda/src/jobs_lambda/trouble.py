"""Translate exceptions of boto3 into messages that say what to do. Importing this module imports botocore.

AWS's own messages are not shown, because some quote the request.
"""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from jobs_lambda.errors import InvokeFailed

LONGEST = 86400.0
"""The longest `Retry-After`, in seconds."""

THROTTLED = frozenset(
    (
        *("TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"),
        *("EC2ThrottledException", "429"),
    )
)
DENIED = frozenset(("AccessDeniedException", "AccessDenied"))
BAD_CREDENTIALS = frozenset(
    (
        *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException"),
        *("SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationTokenException"),
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
    )
)
"""The error codes for invalid or expired credentials."""

ACTIONS = {"Invoke": "lambda:InvokeFunction", "AssumeRole": "sts:AssumeRole"}
"""The IAM actions of operations."""

_RENEW = "cannot get AWS credentials: renew them, log in again or correct the configuration"
_BROKE = "the connection closed before the response was complete; the function may still run"

RAISED = {
    "NoCredentialsError": (
        "credentials",
        "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, "
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
    "NoRegionError": ("settings", "no AWS region: set JOBS_LAMBDA_REGION or the key 'region'"),
    "InvalidRegionError": ("settings", "invalid AWS region: correct its name"),
    "ProfileNotFound": ("settings", "no such profile in the AWS configuration: correct its name"),
    "ConfigParseError": ("settings", "cannot read the AWS configuration: correct the file"),
    "SSLError": ("tls", "TLS failed: check the endpoint, AWS_CA_BUNDLE and this machine's clock"),
    "ConnectTimeoutError": ("timeout", "no connection to AWS in time: check the network"),
    "ReadTimeoutError": ("timeout", "no response in time; the function may still run"),
    "ConnectionError": (
        "connect",
        "connection failed: check the network, the region and the endpoint",
    ),
    "HTTPClientError": ("connect", _BROKE),
    "IncompleteReadError": ("connect", _BROKE),
}
"""Code and message for exceptions of boto3 without a response, by the name of the class or a base class."""

MESSAGES = {
    "ResourceNotFoundException": "no such function, version or alias in this account and region",
    "InvalidRequestContentException": "AWS rejected the event: check it",
    "RequestTooLargeException": "the event is too large for AWS: make it smaller",
    "ResourceConflictException": "the function is being created or updated",
    "ServiceException": "AWS had an internal error",
}


def as_trouble(error: Exception) -> InvokeFailed:
    """Translate an exception."""
    if isinstance(error, ClientError):
        return _answered(error)
    for kind in type(error).__mro__:
        if kind.__name__ in RAISED:
            code, words = RAISED[kind.__name__]
            return InvokeFailed(code, f"{words} ({type(error).__name__})")
    return InvokeFailed("error", f"unexpected error ({type(error).__name__})")


def _answered(error: ClientError) -> InvokeFailed:
    """Translate an error response of AWS. Failures of the function itself have the status 200."""
    about = error.response.get("ResponseMetadata", {})
    status = int(about.get("HTTPStatusCode", 0))
    name = str(error.response.get("Error", {}).get("Code", ""))
    if not re.fullmatch(r"[A-Za-z]\w{0,79}", name, re.ASCII):
        name = f"HTTP {status}"
    wait = _retry_after(about.get("HTTPHeaders", {}).get("retry-after", ""))
    if status == 429 or name in THROTTLED:
        return InvokeFailed("throttled", f"AWS throttled the request ({name})", name, wait)
    if name in BAD_CREDENTIALS:
        words = "AWS rejected the credentials: check them and this machine's clock"
        return InvokeFailed("credentials", f"{words} ({name})", name)
    if name in DENIED:
        action = ACTIONS.get(error.operation_name, error.operation_name)
        words = f"AWS denied access: allow {action} for these credentials ({name})"
        return InvokeFailed(str(status), words, name)
    words = f"{MESSAGES[name]} ({name})" if name in MESSAGES else f"AWS answered {name}"
    return InvokeFailed(str(status), words, name, wait)


def _retry_after(value: str) -> float | None:
    """Return the seconds of `Retry-After`; None if absent or not a number."""
    return min(LONGEST, float(value[:9])) if value.isascii() and value.isdigit() else None
