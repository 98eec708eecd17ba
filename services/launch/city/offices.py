"""The departments of the demonstration and their staff."""

from services.enterprise.codes.towns import TownKind, towns
from services.launch.city.model import Department, Officer

DEPARTMENTS = (
    Department("zfb", "市府办", "慈溪市人民政府办公室", "Office of the Municipal Government"),
    Department("rcb", "人才办", "慈溪市委人才工作领导小组办公室", "Talent Office"),
    Department("kjj", "科技局", "慈溪市科学技术局", "Science and Technology Bureau"),
    Department("jxj", "经信局", "慈溪市经济和信息化局", "Economy and Information Bureau"),
    Department("fgj", "发改局", "慈溪市发展和改革局", "Development and Reform Bureau"),
    Department("jyj", "教育局", "慈溪市教育局", "Education Bureau"),
    Department("sfj", "司法局", "慈溪市司法局", "Justice Bureau"),
    Department("czj", "财政局", "慈溪市财政局", "Finance Bureau"),
    Department("rsj", "人社局", "慈溪市人力资源和社会保障局", "Human Resources Bureau"),
    Department("zrzyj", "资规局", "慈溪市自然资源和规划局", "Natural Resources Bureau"),
    Department("zjj", "住建局", "慈溪市住房和城乡建设局", "Housing and Construction Bureau"),
    Department("nyncj", "农业农村局", "慈溪市农业农村局", "Agriculture and Rural Affairs Bureau"),
    Department("swuj", "商务局", "慈溪市商务局", "Commerce Bureau"),
    Department("sjj", "审计局", "慈溪市审计局", "Audit Office"),
    Department("scjgj", "市场监管局", "慈溪市市场监督管理局", "Market Regulation Bureau"),
    Department("tjj", "统计局", "慈溪市统计局", "Statistics Bureau"),
    Department("jrb", "金融办", "慈溪市金融工作办公室", "Finance Affairs Office"),
    Department("sjglj", "数据局", "慈溪市数据管理局", "Data Administration"),
    Department(
        "sthjj", "生态环境分局", "宁波市生态环境局慈溪分局", "Ecology and Environment Office"
    ),
    Department("swj", "税务局", "国家税务总局慈溪市税务局", "Tax Bureau"),
)

DESK = (("registrar",), ("reviewer",), ("approver",))
MORE = {
    "czj": (("treasurer",), ("treasurer",)),
    "kjj": (("reviewer",), ("approver",)),
    "jxj": (("reviewer",), ("approver",)),
    "sjj": (("auditor",),),
    "sjglj": (("steward",), ("admin",)),
}
ROLES_ZH = {
    "registrar": "登记员",
    "reviewer": "审核员",
    "approver": "审批人",
    "treasurer": "资金员",
    "auditor": "审计员",
    "steward": "数据专员",
    "admin": "管理员",
}
ORDINALS = "甲乙丙丁"


def staff() -> tuple[Officer, ...]:
    """Give each department its desk and each town a reviewer, named by post and not by person."""
    bureaus = [officer for department in DEPARTMENTS for officer in _desk(department)]
    local = [
        Officer(f"{each.code}-reviewer-1", f"示范{each.zh}审核员甲", ("reviewer",), None, each.code)
        for each in towns()
        if each.kind is not TownKind.STATISTICAL_ZONE
    ]
    return (*bureaus, *local)


def _desk(department: Department) -> list[Officer]:
    counts: dict[str, int] = {}
    officers: list[Officer] = []
    for roles in (*DESK, *MORE.get(department.code, ())):
        role = roles[0]
        n = counts[role] = counts.get(role, 0) + 1
        name = f"示范{department.short_zh}{ROLES_ZH[role]}{ORDINALS[n - 1]}"
        officers.append(
            Officer(f"{department.code}-{role}-{n}", name, roles, department.code, None)
        )
    return officers
