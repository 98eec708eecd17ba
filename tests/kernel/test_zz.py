async def test_x(probe, logbook):
    import json
    for line in logbook.getvalue().splitlines():
        if "part of the worker" in line or "relay" in line: print("LOG", line[-1500:])
