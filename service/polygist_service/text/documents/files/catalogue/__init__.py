"""Catalogues of messages: gettext's PO files and their templates."""
