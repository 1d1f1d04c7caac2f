#!/usr/bin/env python3
"""Takes from a CycloneDX bill of materials what differs between two runs: its serial number, the time, paths of this machine.

Usage: tools/sbom.py FILE
"""
import datetime
import json
import os
import sys


def without_paths(value, root):
    """The same without the folder of the sources."""
    if isinstance(value, dict):
        return {key: without_paths(inner, root) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_paths(inner, root) for inner in value]
    return value.replace(root, "authscope") if isinstance(value, str) else value


path = sys.argv[1]
with open(path, encoding="utf-8") as file:
    bill = json.load(file)
bill.pop("serialNumber", None)
epoch = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
bill["metadata"]["timestamp"] = epoch.strftime("%Y-%m-%dT%H:%M:%SZ")
with open(path, "w", encoding="utf-8") as file:
    json.dump(without_paths(bill, os.getcwd()), file, indent=1, sort_keys=True)
    file.write("\n")
