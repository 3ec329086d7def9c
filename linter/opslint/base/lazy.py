"""`cached_property` and `cache` without `functools`, which imports `collections` and costs 2 ms at every start."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import cache, cached_property
else:

    class cached_property:  # noqa: N801 (stands in for functools.cached_property)
        """A method computed once and kept in the instance's dictionary."""

        def __init__(self, make):
            self.make = make
            self.__doc__ = make.__doc__

        def __set_name__(self, _owner, name):
            self.name = name

        def __get__(self, instance, _owner=None):
            if instance is None:
                return self
            value = instance.__dict__[self.name] = self.make(instance)
            return value

    def cache(function):
        """Remember the results of `function` by its arguments."""
        results = {}

        def remembered(*arguments, **named):
            key = (arguments, *sorted(named.items())) if named else arguments
            try:
                return results[key]
            except KeyError:
                result = results[key] = function(*arguments, **named)
                return result

        remembered.__doc__ = function.__doc__
        remembered.__name__ = function.__name__
        return remembered


__all__ = ["cache", "cached_property"]
