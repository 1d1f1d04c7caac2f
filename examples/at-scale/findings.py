"""Guessing, probing and spraying over the captures of many hosts, with Apache Spark.

    python3 findings.py --key tags.key hosts/*.pcap               on this machine
    spark-submit --master ... findings.py --key tags.key ...      on a cluster

Each executor runs `authscope read --exchanges` on the captures it is given, so `authscope` and the captures must be
there, under the same paths. What is found is what `authscope stats` finds in all captures together: the thresholds
are its own (docs/statistics.md). One JSON object a line; `--counts` writes counts, percentiles and top users instead.
"""

import argparse
import json
import os
import subprocess
import sys
from decimal import Decimal

from pyspark.sql import SparkSession

SECOND = 10**9
SPAN = 60 * SECOND  # Nanoseconds in which failures are counted.
PER_USER, PER_ADDRESS = 10, 20  # Failures within it that are guessing.
NAMES, NAMES_PER_PASSWORD = 10, 5  # Names that are probing or spraying; names to each password that are spraying.

COLUMNS = (
    "time decimal(19, 9), client string, server string, protocol string, action string, user string,"
    " outcome string, refusal string, description string, milliseconds double, stream long, request long,"
    " response long, password_tag string"
)


def rows(capture, key):
    """The exchange rows of a capture, as lines of JSON."""
    command = ["authscope", "read", "--exchanges", "-T", "jsonl", capture]
    if key:
        command += ["--password-tags", key]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{capture}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def attempt(line):
    """An answered login: (user, address, when asked, when answered, outcome, refusal, tag); None for other rows."""
    row = json.loads(line, parse_float=Decimal)
    answered = "request" in row and "response" in row and row["outcome"] in ("success", "failure")
    if row["protocol"] != "RegLogin" or row.get("action") != "login" or not answered:
        return None
    asked = int(row["time"] * SECOND)
    ended = asked + round(Decimal(row["milliseconds"]) * 10**6)
    address = row["client"].rpartition(":")[0].strip("[]")
    return row.get("user", ""), address, asked, ended, row["outcome"], row.get("refusal"), row.get("password_tag")


def longest_run(attempts, most):
    """The run of failures that matters most: `most` of them within SPAN begin it, and it lasts as long as that goes on."""
    recent, running, longest = [], None, None
    for _, _, _, ended, outcome, refusal, _ in attempts:
        if outcome == "success":
            if running and ended - running["last"] <= SPAN:
                running["succeeded"] = True
        elif refusal == "unavailable":
            continue  # A server in trouble says nothing about the password.
        else:
            recent = [time for time in recent[-(most - 1) :] if ended - time <= SPAN] + [ended]
            if len(recent) < most:
                running = None
                continue
            if not running:
                running = {"count": most - 1, "first": recent[0], "succeeded": False}
            running["count"] += 1
            running["last"] = ended
        if running:
            weight = (running["succeeded"], running["count"])
            if not longest or weight >= (longest["succeeded"], longest["count"]):
                longest = dict(running)
    return longest


def failures(attempts):
    return [one for one in attempts if one[4] == "failure" and one[5] != "unavailable"]


def of_user(user, attempts):
    """Guessing at one user's password, from wherever."""
    attempts = sorted(attempts, key=lambda one: one[3])
    run = longest_run(attempts, PER_USER)
    addresses = {one[1] for one in failures(attempts)}
    if run:
        address = addresses.pop() if len(addresses) == 1 else None
        yield {"kind": "password guessing", "username": user, "address": address, **run}


def of_address(address, attempts):
    """Probing and spraying from one address, and guessing that these do not explain."""
    attempts = sorted(attempts, key=lambda one: one[3])
    failed = failures(attempts)
    unknown = [one for one in failed if one[5] == "unknown user"]
    tried = [one for one in failed if one[5] != "unknown user"]
    unknown_names, names = {one[0] for one in unknown}, {one[0] for one in tried}
    tags = {one[6] for one in tried if one[6]}
    explained = 0
    for kind, those, found in (
        ("user-name probing", unknown, len(unknown_names) >= NAMES),
        (
            "password spraying",
            tried,
            len(names) >= NAMES and tags and len(tags) * NAMES_PER_PASSWORD <= len(names),
        ),
    ):
        if found:
            explained += len(those)
            finding = {"kind": kind, "address": address, "count": len(those)}
            finding |= {"first": those[0][2], "last": those[-1][2]}
            finding |= {"names": len({one[0] for one in those})}
            yield finding | ({"passwords": len(tags)} if kind == "password spraying" else {})
    run = longest_run(attempts, PER_ADDRESS)
    refused = sum(one[4] == "failure" for one in attempts)
    if run and len(unknown_names) + len(names) != 1 and not (explained and explained * 2 >= refused):
        yield {"kind": "password guessing", "address": address, **run}


def shown(finding):
    """Times as seconds with nine decimals, and without what does not apply."""
    for end in ("first", "last"):
        finding[end] = f"{finding[end] // SECOND}.{finding[end] % SECOND:09}"
    return json.dumps({key: value for key, value in finding.items() if value is not None})


def counts(spark, lines):
    """Counts, percentiles in nanoseconds, and the ten users with the most requests."""
    spark.read.schema(COLUMNS).json(lines).createOrReplaceTempView("exchanges")
    outcomes = spark.sql(
        "SELECT action, outcome, count(*) AS count FROM exchanges GROUP BY ALL ORDER BY ALL"
    )
    times = spark.sql(
        """
        SELECT action, count(*) AS count,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY milliseconds) AS p50,
               percentile_disc(0.9) WITHIN GROUP (ORDER BY milliseconds) AS p90,
               percentile_disc(0.99) WITHIN GROUP (ORDER BY milliseconds) AS p99
        FROM exchanges WHERE milliseconds IS NOT NULL GROUP BY action ORDER BY action
        """
    )
    users = spark.sql(
        """
        SELECT user, count(*) AS requests, count_if(outcome = 'failure') AS failures
        FROM exchanges WHERE request IS NOT NULL
        GROUP BY user ORDER BY requests DESC, failures DESC, user LIMIT 10
        """
    )
    for name, table in (("outcomes", outcomes), ("response_time", times), ("users", users)):
        yield json.dumps({name: [row.asDict() for row in table.collect()]})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="+")
    parser.add_argument("--key", help="file with the key of passwords' tags; without it there is no spraying")
    parser.add_argument("--counts", action="store_true", help="counts, percentiles and top users instead of findings")
    arguments = parser.parse_args()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    key = arguments.key and os.path.abspath(arguments.key)
    captures = [os.path.abspath(path) for path in arguments.captures]
    spark = SparkSession.builder.appName("authscope findings").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    # A partition a capture: each is read by one executor.
    lines = spark.sparkContext.parallelize(captures, len(captures)).flatMap(lambda path: rows(path, key))
    if arguments.counts:
        found = list(counts(spark, lines))
    else:
        attempts = lines.map(attempt).filter(bool).cache()
        users = attempts.keyBy(lambda one: one[0]).groupByKey().flatMap(lambda each: of_user(*each))
        addresses = attempts.keyBy(lambda one: one[1]).groupByKey().flatMap(lambda each: of_address(*each))
        found = sorted(users.union(addresses).map(shown).collect())
    spark.stop()
    print("\n".join(found))


if __name__ == "__main__":
    main()
