"""The checker of types and tensor shapes while the tests run; an int is fine where a float is expected."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
