"""`python -m services.launch`: the `liangxin` command of this very interpreter."""

from services.launch.cli import main

main()
