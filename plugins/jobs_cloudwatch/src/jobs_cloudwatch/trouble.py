"""What boto3 raises, in one sentence that says what to do, and that quotes nothing.

AWS's own messages are not shown: some quote the request, which is what jobs have printed.
"""

from __future__ import annotations

import re

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from jobs_cloudwatch.errors import Away

MISSING = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"
DENIED = frozenset(("AccessDeniedException", "AccessDenied"))

CONTENT = frozenset(
    (
        *("InvalidParameterException", "ParamValidationError", "ValidationException"),
        *("SerializationException", "RequestEntityTooLargeException", "413"),
    )
)
"""What a PutLogEvents answers that would fail for ever."""

PASSING = frozenset(
    (
        *("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"),
        *("ServiceUnavailableException", "OperationAbortedException", "RequestTimeout", "429"),
    )
)
"""What says: try again soon."""

_KEYS = "check them, and the clock of this machine"

WORDS = {
    "NoCredentialsError": "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    " or AWS_PROFILE, or give this machine a role",
    "PartialCredentialsError": "the AWS credentials are incomplete: set both AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY",
    "NoRegionError": "no AWS region is known: set JOBS_CLOUDWATCH_REGION or AWS_DEFAULT_REGION",
    "InvalidRegionError": "the AWS region is none: correct JOBS_CLOUDWATCH_REGION or AWS_DEFAULT_REGION",
    "ProfileNotFound": "the AWS configuration has no such profile: correct JOBS_CLOUDWATCH_PROFILE or "
    "AWS_PROFILE",
    "UnrecognizedClientException": f"AWS does not know the credentials: {_KEYS}",
    "InvalidSignatureException": f"AWS does not accept the signature: {_KEYS}",
    "ExpiredTokenException": "the AWS credentials have expired: renew them",
}


def as_away(error: Exception) -> Away:
    """What an exception means."""
    if isinstance(error, ClientError):
        return _answered(error)
    name = type(error).__name__
    if isinstance(error, (ConnectionError, HTTPClientError)):
        words = f"it cannot be reached ({name}): check the network, the region and the endpoint"
        return Away(words, name, passing=True)
    return Away(WORDS.get(name, f"boto3 failed with {name}: check its configuration"), name)


def _answered(error: ClientError) -> Away:
    """What an answer means that is an error."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if not re.fullmatch(r"\w{1,80}", code):
        code = str(status)
    if code in DENIED:
        return Away(f"AWS denies it: allow logs:{error.operation_name} to these credentials", code)
    passing = status >= 500 or code in PASSING
    return Away(WORDS.get(code, f"{error.operation_name} was answered with {code}"), code, passing)
