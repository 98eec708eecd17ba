"""Recognitions: dated titles with grade, issuer and document, which can be revoked."""
