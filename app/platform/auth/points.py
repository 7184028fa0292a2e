"""Which 32 bytes are a public key that only the holder of a private key can sign for (RFC 8032 §5.1)."""

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""The y of the eight points whose order divides the cofactor, 8 (RFC 7748 §6.1 and §7)."""


def is_usable_point(encoded: bytes) -> bool:
    """Whether this is a point of the curve, in its one encoding, that is not of small order.

    With a key of small order, one signature that anybody can write down is good for many or all messages.
    """
    y = int.from_bytes(encoded, "little") % 2**255  # the last bit is the sign of x
    if len(encoded) != 32 or y >= _P or y in _SMALL_ORDER:
        return False
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    # Euler's criterion; x is 0 for points of small order only, so that either sign is a point.
    return pow(square, (_P - 1) // 2, _P) == 1
