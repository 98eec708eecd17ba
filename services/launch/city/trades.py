"""What the firms of the city do: classes of GB/T 4754-2017 with the traits their books follow."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    INDUSTRY = "industry"
    DIGITAL = "digital-manufacturing"
    SOFTWARE = "software"
    RESEARCH = "research"
    LOGISTICS = "logistics"
    TRADE = "trade"
    FARM = "farm"


@dataclass(frozen=True)
class Trade:
    """A class, how many shares of the city it has, and the word its firms carry in their names."""

    code: str
    shares: int
    product: str
    kind: Kind

    @property
    def is_industrial(self) -> bool:
        return self.kind in {Kind.INDUSTRY, Kind.DIGITAL}

    @property
    def counts_for_scale(self) -> bool:
        """Industry and software are the lists of 规上 that this city keeps."""
        return self.is_industrial or self.kind is Kind.SOFTWARE


@dataclass(frozen=True)
class Traits:
    """Ranges of a kind: median turnover, turnover a head (10,000 yuan), shares in basis points."""

    median_wan: int
    head_wan: tuple[int, int]
    margin_bp: tuple[int, int]
    researching_percent: int
    research_bp: tuple[int, int]
    technical_bp: tuple[int, int]


TRAITS = {
    Kind.INDUSTRY: Traits(1800, (60, 130), (-150, 1300), 55, (180, 650), (600, 2600)),
    Kind.DIGITAL: Traits(2600, (70, 150), (-200, 1500), 80, (280, 900), (1200, 3800)),
    Kind.SOFTWARE: Traits(700, (40, 90), (-800, 2500), 90, (700, 2600), (4000, 8000)),
    Kind.RESEARCH: Traits(400, (35, 80), (-1500, 1500), 100, (1500, 4500), (5000, 9000)),
    Kind.LOGISTICS: Traits(1200, (50, 160), (-100, 700), 8, (50, 200), (200, 900)),
    Kind.TRADE: Traits(2500, (200, 600), (-100, 500), 4, (30, 120), (100, 600)),
    Kind.FARM: Traits(500, (25, 70), (-500, 1200), 15, (60, 300), (300, 1500)),
}

_I, _D = Kind.INDUSTRY, Kind.DIGITAL
TRADES = (
    Trade("3851", 3, "制冷电器", _I),
    Trade("3852", 3, "空调电器", _I),
    Trade("3853", 5, "风扇电器", _I),
    Trade("3854", 10, "厨房电器", _I),
    Trade("3855", 7, "清洁电器", _I),
    Trade("3856", 5, "个护电器", _I),
    Trade("3857", 6, "电器配件", _I),
    Trade("3859", 4, "小家电", _I),
    Trade("3451", 9, "轴承", _I),
    Trade("3459", 2, "传动部件", _I),
    Trade("3670", 8, "汽车部件", _I),
    Trade("3525", 6, "模具", _I),
    Trade("3551", 4, "纺织机械", _I),
    Trade("2822", 3, "化纤", _I),
    Trade("2831", 1, "生物基纤维", _I),
    Trade("2927", 3, "日用塑料", _I),
    Trade("2929", 6, "塑料制品", _I),
    Trade("3482", 3, "紧固件", _I),
    Trade("3443", 2, "阀门", _I),
    Trade("3813", 3, "微特电机", _I),
    Trade("3823", 4, "电气开关", _I),
    Trade("3831", 2, "线缆", _I),
    Trade("3872", 2, "灯具", _I),
    Trade("3491", 1, "工业机器人", _D),
    Trade("3912", 1, "计算机部件", _D),
    Trade("3962", 2, "智能车载设备", _D),
    Trade("3964", 1, "服务机器人", _D),
    Trade("3969", 2, "智能设备", _D),
    Trade("3982", 2, "电子电路", _D),
    Trade("3983", 3, "传感器", _D),
    Trade("3989", 3, "电子元件", _D),
    Trade("4011", 2, "自动控制", _D),
    Trade("6513", 5, "软件", Kind.SOFTWARE),
    Trade("6531", 2, "信息系统", Kind.SOFTWARE),
    Trade("6532", 2, "物联网", Kind.SOFTWARE),
    Trade("7320", 2, "工程技术研究", Kind.RESEARCH),
    Trade("7330", 1, "农业技术研究", Kind.RESEARCH),
    Trade("7491", 1, "工业设计", Kind.RESEARCH),
    Trade("5138", 2, "家电贸易", Kind.TRADE),
    Trade("5179", 2, "机电贸易", Kind.TRADE),
    Trade("5431", 2, "货运", Kind.LOGISTICS),
    Trade("5821", 2, "物流", Kind.LOGISTICS),
    Trade("5920", 1, "仓储", Kind.LOGISTICS),
    Trade("0141", 1, "蔬菜种植", Kind.FARM),
    Trade("0152", 1, "葡萄种植", Kind.FARM),
    Trade("0412", 1, "水产养殖", Kind.FARM),
    Trade("0514", 1, "农产品加工", Kind.FARM),
)

BY_CODE = {trade.code: trade for trade in TRADES}
SHARES = tuple(trade for trade in TRADES for _ in range(trade.shares))
