"""Names that nobody can take for a real firm's: each carries 示范 or 样例 behind the place."""

from collections.abc import Callable
from random import Random

from services.launch.city.trades import Kind, Trade

FIRST = "海恒远华瑞嘉宏盛新天中东金永润博凯维科智正同和泰信立明启弘卓"
SECOND = "川达丰源盈安胜兴峰联创鼎诚洋帆特纳美航翔凌顺隆昌威驰辰禾宇邦"
MARKS = ("示范", "样例")
FORMS = {
    Kind.SOFTWARE: ("科技有限公司", "有限公司"),
    Kind.RESEARCH: ("有限公司", "院有限公司"),
    Kind.LOGISTICS: ("有限公司",),
    Kind.TRADE: ("有限公司",),
    Kind.FARM: ("有限公司", "农业发展有限公司"),
}
USUAL_FORMS = ("有限公司", "有限公司", "有限公司", "科技有限公司", "股份有限公司")
ATTEMPTS_MAX = 1000


def draw_name(rng: Random, trade: Trade, is_taken: Callable[[str], bool]) -> str:
    """Draw a name that is not taken yet."""
    for _ in range(ATTEMPTS_MAX):
        fancy = rng.choice(FIRST) + rng.choice(SECOND)
        form = rng.choice(FORMS.get(trade.kind, USUAL_FORMS))
        name = f"慈溪市{rng.choice(MARKS)}{fancy}{trade.product}{form}"
        if not is_taken(name):
            return name
    raise ValueError("more firms than the names suffice for")
