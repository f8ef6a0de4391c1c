"""The job of tools/bench without pyzap: what one would write first.

    bench_exec.py exec SECONDS         exec the source of one module after the other, in this process
    bench_exec.py one SEED             the same with one module: a process per plan
    bench_exec.py hypothesis EXAMPLES  a Hypothesis test, which makes its modules without source

A module has 8 nodes of a class that is defined here, under 8 names, half of which begin with an
underscore; each node's __del__ looks at one of the names. The module is dropped, and then every node has
to have looked once. Runs on 2.7 and 3.x. Prints how many modules, and how much processor time they took.
"""
import gc
import random
import sys
import time
import types

NODES = 8
WARM_UP = 200
clock = getattr(time, "process_time", None) or time.clock
missing = object()
looks = []


class Node(object):
    def __init__(self, number, name):
        self.number = number
        self.name = name

    def __del__(self):
        looks.append((self.number, getattr(sys.modules.get("m0"), self.name, missing)))


def name_of(letter, number):
    return "_" * (number % 2) + "abcdefgh"[letter]


def source_of(rng):
    letters = rng.sample(range(8), NODES)
    names = [name_of(letter, number) for number, letter in enumerate(letters)]
    lines = ["%s = Node(%d, %r)\n" % (name, number, rng.choice(names))
             for number, name in enumerate(names)]
    rng.shuffle(lines)
    return "".join(lines) + "del Node\n"


def make_module():
    module = sys.modules["m0"] = types.ModuleType("m0")
    return module


def check():
    if len(looks) != NODES:
        gc.collect()  # free-threaded builds keep modules until then
    assert sorted(number for number, value in looks) == list(range(NODES)), looks
    assert all(value is missing for number, value in looks), looks
    del looks[:]


def run_source(source):
    module = make_module()
    module.Node = Node
    exec(compile(source, "m0", "exec"), module.__dict__)
    del sys.modules["m0"], module
    check()


def run_for(seconds, rng):
    count = 0
    start = now = clock()
    while now - start < seconds:
        run_source(source_of(rng))
        count += 1
        now = clock()
    return count, now - start


def run_hypothesis(examples):
    import hypothesis
    from hypothesis import strategies

    @strategies.composite
    def plans(draw):
        letters = draw(strategies.permutations(range(8)))
        names = [name_of(letter, number) for number, letter in enumerate(letters)]
        return [(name, draw(strategies.sampled_from(names))) for name in names]

    def test(examples):
        count = [0]

        @hypothesis.settings(max_examples=examples, deadline=None, database=None,
                             phases=[hypothesis.Phase.generate],
                             suppress_health_check=list(hypothesis.HealthCheck))
        @hypothesis.given(plans())
        def drop(plan):
            count[0] += 1
            module = make_module()
            for number, (name, looked_at) in enumerate(plan):
                setattr(module, name, Node(number, looked_at))
            del sys.modules["m0"], module
            check()

        drop()
        return count[0]

    test(WARM_UP)
    start = clock()
    return test(examples), clock() - start


def main(mode, argument):
    if mode == "hypothesis":
        return run_hypothesis(int(argument))
    gc.disable()
    if mode == "one":
        run_source(source_of(random.Random(int(argument))))
        return 1, clock()
    rng = random.Random(1)
    for _ in range(WARM_UP):
        run_source(source_of(rng))
    return run_for(float(argument), rng)


if __name__ == "__main__":
    print("%d %.6f" % main(*sys.argv[1:]))
