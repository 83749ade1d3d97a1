"""What ``benchmarks/measure_gpu.py`` consists of, one subject a file.

Only `training` and `memory` need torch, and they import it when they are called: everything else
runs, and is tested, without it.
"""
