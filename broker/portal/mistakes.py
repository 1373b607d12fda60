"""Mistakes: how a person is told what stopped them, by its code, in plain words. Nothing was changed by then."""

from collections.abc import Mapping

from broker.api.problems import TABLE
from broker.errors import BrokerError
from broker.portal.words import Words


def N_(message: str) -> str:  # noqa: N802 - the name that catalogues are extracted by
    """Mark a message for the catalogues."""
    return message


TOLD: Mapping[str, tuple[str, str]] = {
    "login.lost": (
        N_("That login did not finish"),
        N_("It took too long, or was started in another window. Try once more."),
    ),
    "login.refused": (
        N_("You were not logged in"),
        N_("The login service did not say who you are. Try once more, or try later."),
    ),
    "login.not_employed": (
        N_("You were not let in"),
        N_(
            "Your workplace, or your role there, is not known here. Ask whoever is in charge of this where you work."
        ),
    ),
    "login.unavailable": (
        N_("Login does not answer"),
        N_(
            "The login service is not there right now. Nothing is wrong with your account. Try again in a few minutes."
        ),
    ),
    "session.none": (
        N_("You were logged out"),
        N_("You were away for a while. Log in and do it once more. Nothing was changed."),
    ),
    "session.stale": (
        N_("Log in once more"),
        N_("This matters so much that we ask again who you are. Nothing was changed."),
    ),
    "form.foreign": (
        N_("That did not come from this page"),
        N_(
            "Somebody, or an old window, sent an answer in your name. We did not take it. Open the page again if it was you."
        ),
    ),
    "consent.moved": (
        N_("Something has changed meanwhile"),
        N_(
            "It is not as it was when you opened the page. We did nothing. Look at it once more before you answer."
        ),
    ),
    "consent.state": (
        N_("Something has changed meanwhile"),
        N_(
            "That cannot be done any more, because it is already answered, stopped or over. Look at it once more."
        ),
    ),
    "consent.lines_not_for_signer": (
        N_("That is not yours alone to change"),
        N_(
            "A guardian said yes to this for you, so only they can open it wider. You can always ask for more care, or stop it."
        ),
    ),
    "consent.nothing_answered": (
        N_("All right, not now"),
        N_("You put everything off, so nothing was sent. The request waits for you."),
    ),
    "consent.others_must_sign": (
        N_("Somebody else must say yes too"),
        N_(
            "A guardian must answer this with you. Ask whoever wants it to send the question once more, to you both."
        ),
    ),
    "consent.undo_too_late": (
        N_("Too late to undo"),
        N_(
            "More than ten seconds have passed. Nothing was changed. Under yes and no you can still stop it or share again."
        ),
    ),
    "consent.nothing_to_undo": (
        N_("This cannot be undone any more"),
        N_(
            "Something else has happened since, so we did nothing. Look at it once more under yes and no."
        ),
    ),
    "consent.asked_back_already": (
        N_("You have asked that already"),
        N_("They have been told. You see here when they answer."),
    ),
    "consent.already_signed": (
        N_("You have answered this already"),
        N_("Your first answer counts. You find it under my yes and no, and can stop it there."),
    ),
    "release.too_many": (
        N_("You have looked at this very often just now"),
        N_(
            "To be safe we open it only so many times in a short while. Try again later. Nothing is lost."
        ),
    ),
    "complaint.open": (
        N_("Something has changed meanwhile"),
        N_("You have said already that this looks wrong. The first time counts."),
    ),
    "complaint.too_many": (
        N_("That is a lot at once"),
        N_(
            "So many things wait for an answer that we take no more. Be done with some of them first."
        ),
    ),
    "complaint.over": (
        N_("Something has changed meanwhile"),
        N_("You were done with this already. Nothing was changed."),
    ),
    "idempotency.key_reused": (
        N_("Something has changed meanwhile"),
        N_(
            "That page was already sent, with another answer. The first one counts. Look at it once more."
        ),
    ),
    "consent.cooldown": (
        N_("It is too early to ask again"),
        N_("The youth has answered lately, and is left in peace for a while."),
    ),
    "consent.outside_ages": (
        N_("The collaboration is not for somebody of that age"),
        N_("It has an age group, and the youth is not in it."),
    ),
    "consent.nothing_to_grant": (
        N_("There is nothing to ask for"),
        N_(
            "None of these services can be told any of this for that purpose. Choose something else."
        ),
    ),
    "consent.too_many_lines": (
        N_("That was too much"),
        N_(
            "It would be too many lines for anybody to answer. Choose fewer services or less information."
        ),
    ),
    "consent.lifetime": (
        N_("That is too long"),
        N_("The collaboration lets nobody ask for so long."),
    ),
    "subject.unknown_person": (
        N_("We find nobody by that number"),
        N_("Look at the number once more. Nothing was written down about anybody."),
    ),
    "spot.gone": (
        N_("That code leads nowhere"),
        N_(
            "It was used, is too old, or is not for you. Ask for a new one. What you are asked stands on your start page too."
        ),
    ),
    "question.answered": (
        N_("Something has changed meanwhile"),
        N_("The question is answered already. The first answer counts."),
    ),
    "question.over": (
        N_("Something has changed meanwhile"),
        N_("The question waits for no answer any more. Nothing was changed."),
    ),
    "contact.too_many": (
        N_("That was too many codes for one day"),
        N_(
            "Look for the last one that we sent you, or try once more tomorrow. Nothing was changed."
        ),
    ),
    "contact.none": (
        N_("Something has changed meanwhile"),
        N_("You are told only here already."),
    ),
    "helper.read_only": (
        N_("You may only look"),
        N_(
            "Whoever helps sees what they are shown, and answers nothing. The one you help answers. Nothing was changed."
        ),
    ),
    "helper.code_refused": (
        N_("That code lets you see nothing"),
        N_("It is wrong, used or too old. Look at it once more, or ask for a new one."),
    ),
    "helper.oneself": (
        N_("That code lets you see nothing"),
        N_("It is your own. Give it to the one who is to be your helper."),
    ),
    "helper.one_at_a_time": (
        N_("Something has changed meanwhile"),
        N_("You have invited a helper already. Remove that one first if you want another."),
    ),
    "helper.too_young": (
        N_("You cannot invite a helper yet"),
        N_("There is nothing so far that you answer for alone."),
    ),
}
AT_WORK: Mapping[str, tuple[str, str]] = {
    "consent.already_signed": (
        N_("It is answered already"),
        N_("The first answer counts. Whoever gave it can change it on their own pages."),
    ),
    "consent.signer_not_needed": (
        N_("They need not answer"),
        N_("Nothing in this request takes a guardian's yes."),
    ),
    "consent.out_of_time": (
        N_("The time cannot be right"),
        N_(
            "It was answered after you asked, and not later than now. Write the day like 3.11.2026 and the time like 14:30."
        ),
    ),
    "consent.form": (
        N_("Not in that way here"),
        N_("The collaboration takes no answer that was given like this."),
    ),
    "consent.text_differs": (
        N_("The text is another one now"),
        N_("Read it out once more, and write down what is answered to it."),
    ),
}
"""What is said otherwise to an employee, who answers for somebody else."""
_BY_STATUS: Mapping[int, tuple[str, str]] = {
    404: (
        N_("There is nothing here"),
        N_("The page does not exist, or it is not yours to see."),
    ),
    413: (
        N_("That was too much"),
        N_("What you sent is larger than we take. Nothing was changed."),
    ),
    503: (
        N_("We cannot answer right now"),
        N_(
            "Something that we depend on is not there. Nothing was shared and nothing was changed. Try again soon."
        ),
    ),
    500: (
        N_("Something went wrong with us"),
        N_("It is our fault, not yours. Nothing was shared. Try again soon."),
    ),
}
_OTHERWISE = (
    N_("We did not understand that"),
    N_("What was sent is not something that the page can send. Nothing was changed."),
)


def told(error: BrokerError, words: Words, *, at_work: bool = False) -> dict[str, str]:
    """What the page says of an error: its title, its text, and the code for whoever helps."""
    said = {**TOLD, **AT_WORK} if at_work else TOLD
    title, text = said.get(error.code) or _BY_STATUS.get(TABLE[error.code].status, _OTHERWISE)
    return {"title": words(title), "text": words(text), "code": error.code}
