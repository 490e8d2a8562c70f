"""A mail server: one message to one recipient, encrypted when the server offers it."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage

from stock_pipeline.errors import (
    AuthError,
    BadRequest,
    NetworkError,
    ServerError,
    Timeout,
    UpstreamError,
)

SOURCE, OPERATION = "SMTP", "send"
SECONDS = 10.0
# Encrypted from the first byte on; on every other port the server offers STARTTLS or does not.
IMPLICIT_TLS_PORT = 465
# A relay on this machine may take the password as it is: nobody listens in between.
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class RecipientRefused(AuthError):
    """The mail server refuses this recipient for good; others may be taken."""


@dataclass(frozen=True)
class MailServer:
    """How the mail server is reached."""

    host: str
    port: int = 587
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def send(self, message: EmailMessage, recipient: str) -> None:
        """Send one message; its headers name sender, recipient and message id.

        Raises  AuthError when account or sender is refused for good, RecipientRefused, BadRequest
                when the message is, and the other UpstreamErrors when it may be tried again
        """
        try:
            with self._connected() as server:
                if self.user and self.password:
                    server.login(self.user, self.password)
                server.send_message(message, to_addrs=[recipient])
        except (smtplib.SMTPException, OSError) as error:
            failure = _typed(error)
        else:
            return
        # Raised outside the handler: what the server said may repeat account and recipient.
        raise failure

    def _context(self) -> ssl.SSLContext:
        """Return what is asked of a certificate: on this machine nothing, it is its own."""
        context = ssl.create_default_context()
        if self.host in THIS_MACHINE:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _connected(self) -> smtplib.SMTP:
        if self.port == IMPLICIT_TLS_PORT:
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=SECONDS, context=ssl.create_default_context()
            )
        server = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        try:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=self._context())
                server.ehlo()
            elif self.password and self.host not in THIS_MACHINE:
                raise _NoEncryption
        except BaseException:
            server.close()
            raise
        return server


class _NoEncryption(smtplib.SMTPException):
    """There is a password, and no way to send it encrypted."""


def _typed(error: Exception) -> UpstreamError:
    """Return our error; of the server's own words only the code is taken over."""
    if isinstance(error, TimeoutError):
        return Timeout(SOURCE, OPERATION, f"{SECONDS:g} s")
    if isinstance(error, _NoEncryption):
        detail = "the server offers no encryption for the password"
        return AuthError(SOURCE, OPERATION, detail, setting="SMTP_PORT")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next(iter(error.recipients.values()))[0]
        return _by_code(code, "ALERT_EMAIL_TO", RecipientRefused)
    if isinstance(error, smtplib.SMTPSenderRefused):
        return _by_code(error.smtp_code, "SMTP_FROM")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _by_code(error.smtp_code, "SMTP_PASSWORD")
    if isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500:
        return BadRequest(SOURCE, OPERATION, f"code {error.smtp_code}")
    if isinstance(error, smtplib.SMTPResponseException):
        return ServerError(SOURCE, OPERATION, f"code {error.smtp_code}")
    return NetworkError(SOURCE, OPERATION, type(error).__name__)


def _by_code(code: int, setting: str, refusal: type[AuthError] = AuthError) -> UpstreamError:
    """Return what a refusal means: for good from 500 on, for now below."""
    if code >= 500:
        return refusal(SOURCE, OPERATION, f"code {code}", setting=setting)
    return ServerError(SOURCE, OPERATION, f"code {code}")
