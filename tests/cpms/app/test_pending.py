from collections.abc import Mapping

import pytest

from cpms.app.pending import Pending
from cpms.domain.errors import InvalidInput, StoreUnavailable


class Shelf:
    """Takes what is written, unless the database does not answer."""

    def __init__(self) -> None:
        self.answers = True
        self.written: list[dict[str, int]] = []
        self.meanwhile: dict[str, int] = {}
        self.pending: Pending[str, int] = Pending(self._store, most=3)

    async def _store(self, entries: Mapping[str, int]) -> None:
        self.pending.add(self.meanwhile)
        if not self.answers:
            raise StoreUnavailable()
        if 0 in entries.values():
            raise InvalidInput("entry", "is zero", "give a number")
        self.written.append(dict(entries))


async def test_what_is_written_is_written_once():
    shelf = Shelf()
    shelf.pending.add({"a": 1, "b": 2})
    await shelf.pending.write(shelf.pending.waiting())
    await shelf.pending.write(shelf.pending.waiting())
    assert shelf.written == [{"a": 1, "b": 2}]


async def test_what_could_not_be_written_is_written_later_in_its_latest_form():
    shelf = Shelf()
    shelf.answers = False
    shelf.pending.add({"a": 1, "b": 2})
    with pytest.raises(StoreUnavailable):
        await shelf.pending.write(shelf.pending.waiting())
    shelf.answers = True
    shelf.pending.add({"a": 3})
    await shelf.pending.write(shelf.pending.waiting())
    assert shelf.written == [{"a": 3, "b": 2}]


async def test_what_changes_while_it_is_written_is_written_again():
    shelf = Shelf()
    shelf.pending.add({"a": 1, "b": 2})
    shelf.meanwhile = {"a": 4}
    await shelf.pending.write(shelf.pending.waiting())
    shelf.meanwhile = {}
    await shelf.pending.write(shelf.pending.waiting())
    assert shelf.written == [{"a": 1, "b": 2}, {"a": 4}]


async def test_beyond_the_most_the_oldest_are_forgotten():
    shelf = Shelf()
    shelf.pending.add({str(number): number for number in range(5)})
    await shelf.pending.write(shelf.pending.waiting())
    assert shelf.written == [{"2": 2, "3": 3, "4": 4}]


async def test_what_the_database_refuses_is_dropped_and_holds_nothing_else_up():
    shelf = Shelf()
    shelf.pending.add({"a": 1, "b": 0, "c": 2})
    await shelf.pending.write(shelf.pending.waiting())
    assert shelf.written == [{"a": 1}, {"c": 2}]
    assert shelf.pending.waiting() == {}
