"""Translate exceptions of boto3 into messages that say what to do.

AWS's own messages are not shown, because some quote the request, which contains job output.
"""

from __future__ import annotations

import re

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from jobs_cloudwatch.errors import Unavailable

MISSING = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"
DENIED = frozenset(("AccessDeniedException", "AccessDenied"))

CONTENT = frozenset(
    (
        *("InvalidParameterException", "ParamValidationError", "ValidationException"),
        *("SerializationException", "RequestEntityTooLargeException", "413"),
    )
)
"""Error codes of PutLogEvents for events that CloudWatch never accepts."""

TEMPORARY = frozenset(
    (
        *("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"),
        *("ServiceUnavailableException", "OperationAbortedException", "RequestTimeout", "429"),
    )
)
"""Error codes after which a retry may succeed."""

_KEYS = "check them and this machine's clock"

MESSAGES = {
    "NoCredentialsError": "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    " or AWS_PROFILE, or give this machine a role",
    "PartialCredentialsError": "the AWS credentials are incomplete: set both AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY",
    "NoRegionError": "no AWS region: set JOBS_CLOUDWATCH_REGION or AWS_DEFAULT_REGION",
    "InvalidRegionError": "invalid AWS region: correct JOBS_CLOUDWATCH_REGION or AWS_DEFAULT_REGION",
    "ProfileNotFound": "no such profile in the AWS configuration: correct JOBS_CLOUDWATCH_PROFILE or "
    "AWS_PROFILE",
    "UnrecognizedClientException": f"AWS rejected the credentials: {_KEYS}",
    "InvalidSignatureException": f"AWS rejected the signature of the credentials: {_KEYS}",
    "ExpiredTokenException": "the AWS credentials have expired: renew them",
}


def as_unavailable(error: Exception) -> Unavailable:
    """Translate an exception."""
    if isinstance(error, ClientError):
        return _answered(error)
    name = type(error).__name__
    if isinstance(error, (ConnectionError, HTTPClientError)):
        words = f"connection failed ({name}): check the network, the region and the endpoint"
        return Unavailable(words, name, transient=True)
    return Unavailable(MESSAGES.get(name, f"boto3 failed with {name}: check its configuration"), name)


def _answered(error: ClientError) -> Unavailable:
    """Translate an error response of AWS."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if not re.fullmatch(r"\w{1,80}", code):
        code = str(status)
    if code in DENIED:
        return Unavailable(
            f"AWS denied access: allow logs:{error.operation_name} for these credentials", code
        )
    transient = status >= 500 or code in TEMPORARY
    return Unavailable(
        MESSAGES.get(code, f"AWS answered {error.operation_name} with {code}"), code, transient
    )
