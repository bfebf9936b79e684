"""E-mail addresses of people: one spelling each, and what looks odd about one. Pure."""

import idna


def canonical_email(email: str) -> str:
    """Return an address in its one spelling: in lower case, with an international domain in ASCII.

    So `Ana@Müller.example` and `ana@xn--mller-kva.example` are one person. An address that is none is
    returned in lower case; forms refuse it.
    """
    local, at, domain = email.strip().lower().rpartition("@")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode() if not domain.isascii() else domain
    except idna.IDNAError:
        ascii_domain = domain
    return f"{local}{at}{ascii_domain}"


def international_domain(email: str) -> str:
    """Return the domain of an address as people read it, if it has letters outside ASCII; otherwise ""."""
    domain = email.rpartition("@")[2]
    try:
        shown = idna.decode(domain) if "xn--" in domain else domain
    except idna.IDNAError:
        return domain
    return "" if shown.isascii() else shown
