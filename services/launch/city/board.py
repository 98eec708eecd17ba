"""The demonstration's tasks and its joint meeting: days counted from when they are loaded."""

from collections.abc import Mapping

from services.launch.city.model import BoardTask, Meeting, Step

PROOF: Mapping[str, object] = {"title": "示范凭证", "document": "慈示范〔2026〕1号（合成）"}


def tasks() -> tuple[BoardTask, ...]:
    """Give a few tasks in different states, each led by a department that has a client here."""
    return (
        BoardTask(
            "示范：汇总营业收入五亿元以上企业名单", 9, "jxj", "名单已核对并附核对记录",
            working_days=15,
            steps=(
                Step("reviewer", "start"),
                Step("reviewer", "report", "已收到税务、统计口径的是否答复", {"progress_bp": 6000}),
            ),
        ),
        BoardTask(
            "示范：核对研发投入配套企业清单", 27, "kjj", "清单与宁波清单逐户核对", working_days=3,
            steps=(
                Step("approver-b", "start"),
                Step("approver-b", "report", "尚待宁波清单更新", {"progress_bp": 2000}),
            ),
        ),
        BoardTask("示范：走访拟进规企业", 13, "jxj", "当月走访记录已登记", every="month"),
        BoardTask(
            "示范：摸底技能等级自主评价企业", 4, "rsj", "摸底表已收齐", working_days=30,
            steps=(
                Step("reviewer-b", "start"),
                Step("reviewer-b", "attach", data=PROOF),
                Step("reviewer-b", "finish"),
            ),
        ),
        BoardTask(
            "示范：公布工业上楼项目用地口径", 26, "jxj", "口径已公布", working_days=20,
            steps=(
                Step("reviewer", "start"),
                Step("reviewer", "block", "待资规局明确增容口径"),
            ),
        ),
        BoardTask(
            "示范：征集首台（套）产品线索", 16, "jxj", "线索清单已登记", working_days=40,
            steps=(
                Step("reviewer", "start"),
                Step("reviewer", "attach", data=PROOF),
                Step("reviewer", "finish"),
                Step("approver", "accept"),
            ),
        ),
    )  # fmt: skip


def meetings() -> tuple[Meeting, ...]:
    """Give one meeting, whose two decisions become tasks when its minutes are published."""
    return (
        Meeting(
            title="示范：“两新”工作联席会议",
            minutes="慈示范联席纪要〔2026〕1号（合成）",
            attendees=("zfb", "kjj", "jxj", "czj"),
            agenda=("政府性基金整合", "市级政策整合"),
            decisions=(
                {
                    "text": "示范：提出政府性基金整合方案", "measure": 25, "lead": "czj",
                    "support": ["jrb"], "working_days": 20, "done_when": "方案已报联席会议审议",
                },
                {
                    "text": "示范：每季度通报市级政策整合进展", "measure": 30, "lead": "jxj",
                    "every": "quarter", "done_when": "通报已印发",
                },
            ),
        ),
    )  # fmt: skip
