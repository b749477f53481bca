from polygist_service.app.watchdog import STALLED, StallDetector, Watchdog
from polygist_service.engine.slots import RunningBatch, SlotState


class World:
    """What a watchdog looks at and what it does, on a clock that only `wait` moves."""

    def __init__(self, *, slots=2, grace=10.0, least=5.0, longest=600.0):
        self.batches: list[RunningBatch | None] = [None] * slots
        self.dead: set[int] = set()
        self.is_blocked = False
        self.serves = True
        self.causes: list[str] = []
        self.exit_codes: list[int] = []
        self._beat = object()
        detector = StallDetector(self._slots, self._turn, least=least, longest=longest)
        self._watchdog = Watchdog(
            detector, interval=0.25, grace=grace, health=self, count=self.causes.append, leave=self.exit_codes.append
        )

    def _slots(self):
        return [SlotState(f"slot-{n}", n in self.dead, batch) for n, batch in enumerate(self.batches)]

    def _turn(self):
        if not self.is_blocked:
            self._beat = object()
        return self._beat

    def stall(self, is_stalled):
        self.serves = not is_stalled

    def run(self, *slots, predicted=0.0):
        """Begin another batch on some slots."""
        for slot in slots:
            self.batches[slot] = RunningBatch("model", 1, predicted)

    def wait(self, seconds):
        """Let the watchdog look four times a second."""
        for _ in range(int(seconds * 4)):
            self._watchdog.look(0.25)


def test_nothing_stands_still_where_nothing_runs():
    world = World()
    world.wait(1000)
    assert world.serves
    assert not world.causes


def test_batches_that_follow_each_other_move():
    world = World()
    for _ in range(100):
        world.run(0, 1)
        world.wait(4.5)
    assert not world.causes


def test_all_slots_overdue_turn_health_at_once_and_end_the_process_after_the_grace():
    world = World()
    world.run(0, 1)
    world.wait(5)
    assert world.serves
    world.wait(1)
    assert not world.serves
    assert not world.exit_codes
    world.wait(10)
    assert world.exit_codes[0] == STALLED
    assert world.causes == ["all_slots"]


def test_a_batch_that_is_predicted_to_take_a_minute_gets_three():
    world = World()
    world.run(0, 1, predicted=60)
    world.wait(179)
    assert world.serves
    world.wait(3)
    assert world.causes == ["all_slots"]


def test_nobody_waits_longer_than_the_longest_deadline():
    world = World()
    world.run(0, 1, predicted=6000)
    world.wait(599)
    assert world.serves
    world.wait(3)
    assert world.causes == ["all_slots"]


def test_one_overdue_slot_is_no_stall_until_it_is_given_up():
    world = World()
    world.run(1)
    for _ in range(49):
        world.run(0)
        world.wait(1)
    assert world.serves
    world.wait(2)
    assert world.causes == ["lost_slot"]


def test_an_overdue_slot_beside_an_idle_one_is_no_stall():
    world = World()
    world.run(0)
    world.wait(20)
    assert world.serves


def test_a_batch_that_ends_late_turns_health_back():
    world = World()
    world.run(0, 1)
    world.wait(10)
    assert not world.serves
    world.run(0)
    world.wait(1)
    assert world.serves
    world.wait(4)
    assert not world.exit_codes


def test_the_grace_begins_anew_with_each_stall():
    world = World()
    for _ in range(5):
        world.run(0, 1)
        world.wait(14)
    assert world.causes == ["all_slots"] * 5
    assert not world.exit_codes


def test_a_dead_slot_is_seen_at_once():
    world = World()
    world.dead = {1}
    world.wait(0.25)
    assert not world.serves
    world.wait(10)
    assert world.exit_codes[0] == STALLED
    assert world.causes == ["dead_slot"]


def test_a_blocked_event_loop_is_seen():
    world = World()
    world.is_blocked = True
    world.wait(6)
    assert not world.serves
    world.is_blocked = False
    world.wait(0.25)
    assert world.serves
    assert world.causes == ["event_loop"]
