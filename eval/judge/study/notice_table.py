"""Notices of a session to its reviewer, in English and Chinese; part of the table of strings."""

from __future__ import annotations

#: key -> (English, Chinese), as `string_table.STRINGS`, which holds them too.
NOTICES: dict[str, tuple[str, str]] = {
    # What a session tells (eval.judge.page.session)
    "notice_stale": (
        "That answer was for a pair that is no longer open, and was not recorded: this is the pair to judge now.",
        "刚才的评判针对的是已经关闭的题，没有记录。现在要评判的是这一题。",
    ),
    "notice_elsewhere": (
        "That pair was already judged in another tab: this is the next one.",
        "那一题已经在另一个标签页里评判过了，这是下一题。",
    ),
    "notice_undone": ("Undone. Judge this pair again.", "已撤销，请重新评判这一题。"),
    "notice_nothing_to_undo": ("There is nothing to undo.", "没有可以撤销的评判。"),
    "notice_not_saved": ("{detail}", "没有保存，请再按一次。如果还是不行，请告诉评测负责人。"),
    "notice_restored": (
        "Verdicts of yours had vanished from the file and were put back ({detail}). Please tell the study organiser.",
        "您有 {detail} 条评判曾从文件中消失，现已恢复。请告诉评测负责人。",
    ),
    "notice_broken": ("{detail}", "没有记录，请先解决这个问题：{detail}"),
    "notice_name_missing": (
        "Please enter a name: it is saved with your verdicts.",
        "请输入名字，它会和您的评判记在一起。",
    ),
    "notice_name_long": ("Please use a name of at most {detail} characters.", "名字最多 {detail} 个字符。"),
    "notice_name_invisible": (
        "Please use letters that can be seen: this name has invisible ones.",
        "名字里有看不见的字符，请换一个。",
    ),
    "notice_same_name": (
        "Are you {detail}, who already judges here? Then enter exactly that name. If you are somebody else, "
        "enter yours once more.",
        "您是已在这里评判的 {detail} 吗？如果是，请输入完全相同的名字；如果不是，请再输入一次您的名字。",
    ),
    "notice_criterion_missing": ("Please answer first: {detail}", "请先回答：{detail}"),
    "notice_reason_missing": (
        "Please give a reason first: the comment field is for it.",
        "请先在备注栏里写明理由。",
    ),
    "notice_not_understood": (
        "The page sent something that this study does not ask for; nothing was recorded. Reload the page.",
        "发送的内容不属于本次评测，没有记录。请刷新页面。",
    ),
    "notice_practice_over": (
        "Practice is over: from here on every verdict is recorded.",
        "练习结束，从现在起每个评判都会记录。",
    ),
    "notice_practice_again": (
        "Practice starts again: {detail} were correct. The guide (G) says how to judge.",
        "练习重新开始：答对 {detail}。按 G 查看评判说明。",
    ),
    "notice_rest": (
        "{detail} judged in this session. A short rest keeps your judgement fresh.",
        "本次已评判 {detail} 题，休息一下，判断会更准。",
    ),
    "notice_target": (
        "You have reached your target, thank you. You can stop here, or continue.",
        "您已完成目标，谢谢！可以就此停下，也可以继续。",
    ),
    "notice_practice_back": ("Back to the practice pair before.", "回到了上一道练习题。"),
    "notice_edit_gone": (
        "That verdict is no longer in force: it was undone or changed elsewhere.",
        "那个评判已被撤销，或者已在别处修改。",
    ),
    "notice_edited": ("Changed.", "已修改。"),
    "notice_edit_left": ("Nothing was changed.", "没有修改。"),
}
