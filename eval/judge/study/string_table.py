"""Every string that a reviewer sees, in English and Chinese. Templates and script ask for it by its key."""

from __future__ import annotations

from typing import get_args

from eval.judge.study.localized import Language
from eval.judge.study.notice_table import NOTICES

LANGUAGES: tuple[Language, ...] = get_args(Language)

#: key -> (English, Chinese). `{name}` is filled in by whoever asks.
STRINGS: dict[str, tuple[str, str]] = {
    # Header
    "other_language": ("中文", "English"),
    "switch_language": ("Switch to Chinese", "切换到英文"),
    "change_name": ("Judge under another name", "换一个名字评判"),
    "log_out": ("Log out", "退出登录"),
    "progress": ("Pairs judged", "已评判的题数"),
    "differences": ("Differences", "差异"),
    "raw": ("Raw", "纯文本"),
    "linked": ("Linked", "同步滚动"),
    "guide": ("Guide", "说明"),
    "my_verdicts": ("My verdicts", "我的评判"),
    "keys": ("Keys", "快捷键"),
    "pace": ("{s} s each · {time}", "每题 {s} 秒 · {time}"),
    "minutes_left": ("{n} min left", "还需 {n} 分钟"),
    "hours_left": ("{n} h left", "还需 {n} 小时"),
    "saved": ("Saved", "已保存"),
    "not_saved_short": ("Not saved", "未保存"),
    "answer_missing": ("Answer missing", "还有必填项"),
    "copied_all": ("Copied at {time}", "{time} 已备份"),
    "copied_some": ("{n} not copied yet, last copy at {time}", "{n} 条尚未备份，上次备份 {time}"),
    "copied_never": ("{n} not copied yet", "{n} 条尚未备份"),
    "copied_unknown": ("Copies unknown", "备份情况未知"),
    "copied_means": (
        "Saved means: on this server's disk, and copied within {s} seconds while the Hub answers. "
        "What is not copied yet is lost if this server ends.",
        "“已保存”表示已写入本服务器的磁盘，并在网络正常时于 {s} 秒内备份。服务器若在此之前停止，尚未备份的内容会丢失。",
    ),
    "copied_means_kept": (
        "Saved means: on this server's storage volume, which outlasts it. It is copied within {s} seconds too.",
        "“已保存”表示已写入本服务器的存储卷，服务器停止后仍会保留，并在 {s} 秒内备份。",
    ),
    # Verdicts
    "a_better": ("A is better", "A 更好"),
    "b_better": ("B is better", "B 更好"),
    "a_much": ("A much better", "A 好得多"),
    "b_much": ("B much better", "B 好得多"),
    "tie": ("Tie", "平局"),
    "both_bad": ("Both bad", "都不好"),
    "good": ("Good", "好"),
    "bad": ("Bad", "不好"),
    "skip": ("Skip", "跳过"),
    "undo": ("Undo", "撤销"),
    "flag": ("Flag", "标记"),
    "comment_label": ("Comment (optional)", "备注（可选）"),
    "comment_hint": ("Comment", "备注"),
    "reason_hint": ("Your reason (required)", "理由（必填）"),
    # The list of keys
    "tie_means": ("equally good", "两个一样好"),
    "both_bad_means": ("neither is acceptable", "两个都不能接受"),
    "good_means": ("you would be glad to get this answer", "您对这样的回答满意"),
    "bad_means": ("it should not be sent like this", "不该这样回答"),
    "key_tie": ("Tie: equally good", "平局：两个一样好"),
    "key_both_bad": ("Both bad: neither is acceptable", "都不好：两个都不能接受"),
    "key_good": ("Good", "好"),
    "key_bad": ("Bad", "不好"),
    "key_skip": ("Skip: it comes back at the end", "跳过：最后会再出现"),
    "key_undo": ("Undo: back to the last one", "撤销：回到上一题"),
    "key_recent": ("My verdicts: search, change one", "我的评判：搜索或修改"),
    "key_flag": ("Flag this pair to come back to it", "标记这一题，以后再看"),
    "key_guide": ("How to judge", "评判说明"),
    "key_prompt": ("The prompt: in full, folded, as before", "提问：全部展开、收起、还原"),
    "key_linked": ("Scroll both answers together, or each alone", "两个回答同步滚动，或各自滚动"),
    "key_ends": ("Jump to the beginning or the end", "回到开头，跳到末尾"),
    "key_form": ("Further questions and tags; choose with digits", "其他问题和标签，用数字选择"),
    "key_comment": ("Comment; Esc leaves the field", "写备注；按 Esc 离开输入框"),
    "key_differences": ("Mark where the answers differ, on or off", "标出或取消标出两个回答的差异"),
    "key_raw": ("Raw or formatted text", "显示纯文本或排版后的文字"),
    "key_thinking": ("Open or fold the thinking of both answers", "展开或收起两个回答之前的思考"),
    "key_down": ("Scroll down", "向下滚动"),
    "key_up": ("Scroll up", "向上滚动"),
    "key_help": ("This list", "显示这张表"),
    "space": ("Space", "空格"),
    "close": ("Close", "关闭"),
    # A pair
    "prompt": ("The prompt", "提问"),
    "system_prompt": ("System prompt", "系统提示"),
    "user": ("User", "用户"),
    "assistant": ("Assistant", "助手"),
    "answer": ("Answer", "回答"),
    "empty": ("This answer is empty.", "这个回答是空的。"),
    "empty_turn": ("This message is empty.", "这条消息是空的。"),
    "cut": ("The answer stops here: it reached the token limit.", "回答到此为止：已达到长度上限。"),
    "filtered": ("The answer stops here: a content filter ended it.", "回答到此为止：被内容过滤器中断。"),
    "tool_call": (
        "The answer ends in a call of a tool, which is not shown.",
        "回答以工具调用结束，此处不显示。",
    ),
    "broken_off": ("The answer stops here: the server broke it off.", "回答到此为止：服务器中断了输出。"),
    "refused": ("The server marked this as a refusal.", "服务器将此标记为拒绝回答。"),
    "thinking": ("Thinking before the answer", "回答之前的思考"),
    "too_much": (
        "Shown as plain text: this answer is too long or too intricate to be formatted.",
        "这个回答过长或结构过于复杂，无法排版，以纯文本显示。",
    ),
    "coarse": (
        "Marked: what has no counterpart in the other answer.",
        "已标出另一个回答中没有的内容。",
    ),
    "unlike": (
        "These answers have nothing in common, or are too long, to mark where they differ.",
        "这两个回答没有相同之处，或者太长，无法标出差异。",
    ),
    "more_below": ("{n}% more below", "下方还有 {n}%"),
    "prompt_whole": ("Open in full", "全部展开"),
    "prompt_fold": ("Fold", "收起"),
    "prompt_show": ("Show", "还原"),
    "practice_count": ("Practice {k} / {n}", "练习 {k} / {n}"),
    "practice": ("Not recorded: try the keys.", "不计入结果，可以先熟悉按键。"),
    "right": ("Correct.", "判断正确。"),
    "wrong": ("Not quite.", "判断有误。"),
    "expected": ("The answer is: {choice}.", "正确答案：{choice}。"),
    "go_on": ("Continue", "继续"),
    "editing": ("You are changing an earlier verdict.", "您正在修改之前的评判。"),
    "earlier": ("Your verdict was: {choice}.", "您之前的评判：{choice}。"),
    "leave": ("Leave it as it was", "不修改，返回"),
    # Criteria and tags
    "criteria": ("Further questions", "其他问题"),
    "same": ("Same", "一样"),
    "required": ("required", "必填"),
    "tags": ("What is wrong with it?", "有什么问题？"),
    "tag_incorrect": ("Incorrect", "内容有误"),
    "tag_too_long": ("Too long", "太长"),
    "tag_too_short": ("Too short", "太短"),
    "tag_unsafe": ("Unsafe", "不安全"),
    "tag_ignores_instruction": ("Ignores the instruction", "没有按要求做"),
    "tag_off_topic": ("Off topic", "答非所问"),
    "tag_repetitive": ("Repetitive", "重复啰嗦"),
    "tag_wrong_language": ("Wrong language", "语言不对"),
    # First visit
    "question": ("Which answer is better?", "哪个回答更好？"),
    "thumbs_question": ("Is this a good answer?", "这个回答好吗？"),
    "intro": (
        "You will see one prompt and two answers, A and B, from two models. The page does not show which model wrote "
        "which, and they may change places from pair to pair. Judge only what you read.",
        "每一题有一个提问和两个回答（A 和 B），由两个模型写成。页面不会显示回答出自哪个模型，A、B 的位置每题可能不同。"
        "请只根据读到的内容判断。",
    ),
    "intro_question": ("Would you rather have received A or B?", "您更愿意收到 A，还是 B？"),
    "thumbs_intro": (
        "You will see one prompt and one answer at a time. Judge only what you read.",
        "每一题有一个提问和一个回答。请只根据读到的内容判断。",
    ),
    "thumbs_intro_question": ("Would you be glad to get it?", "您对这样的回答满意吗？"),
    "guide_title": ("How to judge", "评判说明"),
    "also_asked": ("You will also be asked", "同时还会问到"),
    "your_name": ("Your name", "您的名字"),
    "you_are": ("You judge as {name}.", "您将以 {name} 的名字评判。"),
    "start": ("Start judging", "开始评判"),
    "first_practice": (
        "First come {n} pairs for practice, which are not recorded.",
        "开始时有 {n} 道练习题，不计入结果。",
    ),
    "first_practice_one": (
        "First comes one pair for practice, which is not recorded.",
        "开始时有一道练习题，不计入结果。",
    ),
    "stop_any_time": (
        "Each verdict is saved as you give it: stop whenever you like, and come back under the same name.",
        "每个评判都会立即保存：随时可以停下，下次用同一个名字回来继续。",
    ),
    "stop_any_time_login": (
        "Each verdict is saved as you give it: stop whenever you like, and log in again to continue.",
        "每个评判都会立即保存：随时可以停下，下次登录后继续。",
    ),
    # The end, and nothing there
    "done": ("All done, thank you", "全部完成，谢谢！"),
    "done_text": (
        "You judged {n} pairs, {name}. Every verdict is saved; you can close this page.",
        "{name}，您一共评判了 {n} 题。所有评判都已保存，可以关闭页面了。",
    ),
    "done_text_one": (
        "You judged 1 pair, {name}. Your verdict is saved; you can close this page.",
        "{name}，您评判了 1 题。评判已保存，可以关闭页面了。",
    ),
    "undo_last": ("Undo the last one", "撤销最后一个"),
    "broken": ("This run cannot be judged now", "现在无法评判"),
    "broken_text": ("Correct what is named above, then reload this page.", "请先解决上面的问题，再刷新页面。"),
    "none": ("No pairs to judge yet", "还没有可以评判的内容"),
    "none_text": (
        "This run holds no prompt that both models answered differently. Collect answers, then open this page again:",
        "两个模型对任何提问都还没有不同的回答。请先收集回答，再打开本页：",
    ),
    "none_own": ("or, with servers of your own:", "或者使用您自己的服务器："),
    # The list of one's own verdicts
    "recent_title": ("My verdicts", "我的评判"),
    "search": ("Search prompts and comments", "搜索提问和备注"),
    "only_flagged": ("Only flagged", "只看已标记"),
    "none_flagged": (
        "Nothing is flagged yet: Flag (M) marks a pair to come back to.",
        "还没有标记：点“标记”（M）标出以后要再看的题。",
    ),
    "none_found": ("No verdict of yours fits.", "没有符合的评判。"),
    "flags": ("Flagged: {n}", "已标记：{n}"),
    "found": ("{n} of {of}", "{n} / {of} 条"),
    "recent_text": ("Choose one to judge it again.", "选择一个重新评判。"),
    "recent_none": ("Nothing judged yet.", "还没有评判过。"),
    # Trouble
    "lost": (
        "The server does not answer. Your verdict was not saved: press the key again once it is back.",
        "服务器没有响应，您的评判没有保存。服务器恢复后，请再按一次。",
    ),
    "incomplete": (
        "A part of this page could not be fetched. Reload the page; if that does not help, ask the person who runs it.",
        "此页面的一部分未能加载。请刷新页面；如果仍然如此，请告知负责人。",
    ),
    "lost_idle": (
        "The server does not answer. Your verdicts are saved: continue once it is back.",
        "服务器没有响应。之前的评判都已保存，服务器恢复后可以继续。",
    ),
    "back": (
        "Connected again. Your verdict on this pair was not saved: judge it again.",
        "已重新连接。您对这一题的评判没有保存，请再评判一次。",
    ),
    "logged_out": (
        "You are logged out. Your verdict was not saved: log in again, what you typed is kept.",
        "您已退出登录，评判没有保存。请重新登录，您输入的内容会保留。",
    ),
    "log_in_again": ("Log in again", "重新登录"),
    # Login
    "login_title": ("Log in to judge", "登录后开始评判"),
    "login_name": ("Name", "名字"),
    "login_password": ("Password", "密码"),
    "login_button": ("Log in", "登录"),
    "login_wrong": ("Incorrect name or password. Please try again.", "名字或密码不正确，请再试一次。"),
    "login_wait": ("Too many attempts. Wait a minute, then try again.", "尝试次数过多，请一分钟后再试。"),
    "login_lost": ("The server does not answer. Please try again.", "服务器没有响应，请再试一次。"),
    "hub_login_help": (
        "Log in with your Hugging Face account. Inside huggingface.co this opens a new tab: judge there.",
        "请用您的 Hugging Face 账号登录。在内嵌页面中会打开新标签页，请在那里评判。",
    ),
    "hub_login_button": ("Sign in with Hugging Face", "使用 Hugging Face 登录"),
    "login_help": (
        "Ask the study organiser for your login.",
        "名字和密码由本次评测的负责人提供。",
    ),
    **NOTICES,
}
