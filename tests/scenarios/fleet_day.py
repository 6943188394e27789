"""The script of the day of three hundred sources: what providers tell, what goes wrong on the way, and what must come of it.

Looks are at every full 20 minutes, so what is told at 07:05 is seen at 07:20. What leaves a list without a word is over at
the second look that misses it; where the page keeps a list of what is over, at the first.
"""

from __future__ import annotations

from bot.sources import catalogue
from tests.scenarios.fleet_stage import LAYOUTS, Source
from tests.scenarios.fleet_stories import fault, story

SOURCES = 300

# name: its kind of page, and for a second source of one provider that provider
SCRIPTED = {
    "github": "both", "cloudflare": "summary", "openai": "both", "anthropic": "summary", "digitalocean": "summary",
    "bitbucket": "summary", "figma": "both", "jira": "both", "confluence": "summary", "vercel": "summary",
    "automattic": "atom", "twilio": "summary", "netlify": "both", "sentry": "both", "npm": "summary", "discord": "summary",
    "reddit": "both", "azure": "azure", "azure-front": "azure of azure", "aws": "aws", "aws-rss": "aws-rss of aws",
    "gcp": "gcp", "slack": "slack", "perplexity": "instatus", "coreweave": "statusio", "hugging-face": "betterstack",
    "pagerduty": "atom", "recurly": "items", "linode": "summary", "hashicorp": "summary", "buffer": "both",
    "buffer-atom": "atom of buffer", "asana": "summary", "datadog": "summary", "circleci": "summary", "linear": "both",
    "notion": "both", "dropbox": "both",
    "zoom": "summary", "google-workspace": "workspace",
}  # fmt: skip

STORIES = (
    story("github", "ghpush000001", "Pushes fail",
          "07:05 investigating We look into failing pushes.", "07:30 identified A disk is full.",
          "09:10 monitoring Pushes work.", "10:05 resolved It was a full disk."),
    story("cloudflare", "cfdns0000001", "DNS is slow",
          "02:10 investigating Answers take seconds.", "03:30 monitoring Answers are fast.", listed="02:10-04:50"),
    story("openai", "oaerr0000001", "Requests fail",
          "11:05 investigating Requests fail. | 12:10 Requests to one model fail.", "12:30 identified We know why.",
          "14:10 resolved All models answer."),
    story("anthropic", "anthr0000001", "Errors",
          "06:10 investigating Errors are many.", "06:50 monitoring Errors are few.",
          "09:15 investigating Errors are back.", listed="06:10-07:30 09:15-11:00"),
    story("digitalocean", "dofra0000001", "Droplets in FRA1 are away",
          "01:10 investigating Droplets are away.", "02:30 identified A switch died.", listed="01:10-03:50"),
    story("digitalocean", "donyc0000001", "Billing pages fail",
          "02:15 investigating Bills do not open.", listed="02:15-06:10"),
    story("bitbucket", "bbclone00001", "Clones are slow",
          "05:05 investigating Clones take minutes.", "06:30 identified A cache is cold.", listed="05:05-09:10"),
    story("figma", "fgsave000001", "Saving fails",
          "12:05 investigating Some cannot save. | 12:50 Nobody can save.", "13:30 identified A queue is stuck.",
          "15:30 resolved All can save."),
    story("jira", "jrboard00001", "Boards are empty",
          "08:10 investigating Boards are empty.", "10:30 identified An index is gone.", "11:50 resolved Boards are back."),
    story("confluence", "cfpage000001", "Pages do not open",
          "11:10 investigating Pages do not open.", "12:30 identified We know why.", "14:00 monitoring Pages open.",
          listed="11:10-14:30"),
    story("vercel", "vcbuild00001", "Builds hang",
          "03:10 investigating Builds hang.", "04:20 identified Too few workers.", "06:10 monitoring Builds run.",
          listed="03:10-07:30"),
    story("automattic", "ambrief00001", "Blogs are away",
          "04:10 investigating Blogs are away.", "05:10 resolved Blogs are back."),
    story("twilio", "twsms0000001", "Texts arrive late",
          "07:10 investigating Texts are late.", "09:10 identified A carrier is down.", "11:10 monitoring Texts arrive.",
          listed="07:10-12:10"),
    story("netlify", "nfdeploy0001", "Deploys fail",
          "11:30 investigating Deploys fail.", "12:20 identified A token ran out.", "13:10 resolved Deploys work."),
    story("sentry", "seevent00001", "Events are late",
          "09:10 investigating Events are late.", "11:00 resolved Events are on time."),
    story("npm", "npinstall001", "Installs fail",
          "05:10 investigating Installs fail.", "07:10 monitoring Installs work.", listed="05:10-09:10"),
    story("npm", "npsearch0001", "Search fails", "08:30 investigating Search fails.", listed="08:30-11:50"),
    story("azure", "vms-west-europe", "Machines in West Europe",
          "10:05 investigating Machines do not start. | 12:25 Few machines do not start.", listed="10:05-16:05"),
    story("aws", "arn:aws:health:us-east-1::event/DYNAMODB/D/1", "Increased Error Rates",
          "07:11 investigating We look into errors.", "08:26 identified It is DNS.", "09:35 identified Names resolve again.",
          "13:43 monitoring Most calls succeed.", "15:01 resolved All calls succeed."),
    story("gcp", "GcpRun00000000000001", "Cloud Run fails",
          "13:05 investigating Requests fail.", "15:25 identified A bad rollout.", "17:05 resolved It was rolled back."),
    story("slack", "2601", "Messages are late",
          "20:05 investigating Messages are late.", "21:10 identified A queue is full.", "22:05 resolved They are on time."),
    story("perplexity", "clsearch0000000000000001", "Search is slow",
          "01:05 investigating Search is slow.", "02:10 identified An index is big.", "03:05 resolved Search is fast."),
    story("coreweave", "6530aa000000000000000001", "Nodes do not boot",
          "14:05 investigating Nodes do not boot.", "15:20 monitoring Nodes boot.", listed="14:05-16:45"),
    story("hugging-face", "900", "The hub is down",
          "12:15 investigating The hub is down.", "13:35 resolved The hub is up."),
    story("pagerduty", "pdpage000001", "Pages are late",
          "05:15 investigating Pages are late.", "07:20 identified A carrier is slow.", "08:25 resolved Pages are on time."),
    story("recurly", "https://status.recurly.example/1", "Payments fail",
          "21:10 investigating Payments fail.", "22:00 identified Some payments fail."),
    story("linode", "lnzombie0001", "A host is being replaced", "10-01T09:00 identified We wait for parts."),
    story("hashicorp", "hcvault00001", "Vaults are sealed", "02:50 investigating Vaults are sealed.", listed="02:50-05:10"),
    story("buffer", "bfpost000001", "Posts are late",
          "13:10 investigating Posts are late.", "15:10 identified A queue is full.", "16:10 resolved Posts go out."),
    story("datadog", "ddlogs000001", "Logs are late",
          "14:10 investigating Logs are late.", "16:10 monitoring Logs arrive.", listed="14:10-17:30"),
    story("linear", "lnsync000001", "Sync is down",
          "18:10 investigating Sync is down.", "20:10 resolved Sync is up."),
    story("notion", "ntpage000001", "Pages load slowly",
          "16:10 investigating Pages load slowly.", "18:30 resolved Pages load."),
    story("dropbox", "dbwork000001", "Database maintenance",
          "11-15T10:00 scheduled We will move a database.", "02:00 in_progress We move it.", "04:00 completed It is moved."),
)  # fmt: skip

FAULTS = (
    fault("bitbucket", "06:00-08:00", "stale by 180"),  # from before it began
    fault("figma", "13:00-15:00", "stale by 60"),  # with the words of before
    fault("jira", "09:00-24:00", "left out"),  # while the page's own list goes on
    fault("confluence", "13:00-16:00", "503"),
    fault("vercel", "02:00-05:00", "500"),
    fault("automattic", "04:00-06:00", "hangs"),
    fault("twilio", "08:00-10:00", "cut"),
    fault("netlify", "12:00-14:00", "html"),
    fault("sentry", "03:00-", "moved"),
    fault("npm", "06:00-10:00", "malformed"),
    fault("discord", "20:00-20:40", "asks for 55 min"),
    fault("reddit", "10:00-12:00", "drops"),
    fault("azure-front", "11:00-15:00", "emptied"),
    fault("aws", "08:00-10:00", "503"),
    fault("gcp", "20:00-22:00", "emptied"),
    fault("pagerduty", "06:00-09:00", "emptied"),
    fault("hashicorp", "03:00-06:00", "flaky"),
    fault("buffer", "14:00-17:00", "503"),
    fault("asana", "16:00-21:00", "503"),
    fault("datadog", "15:00-17:00", "another shape"),
    fault("circleci", "22:00-23:40", "drips"),
    fault("zoom", "01:00-02:00", "503"),
    fault("zoom", "02:20-03:20", "503"),
    fault("linear", "02:00-04:00", "redirects to itself"),
    fault("dropbox", "06:00-08:00", "blank"),
    fault("hugging-face", "06:00-08:00", "cut short"),
    fault("automattic", "10:00-12:00", "cut short"),
    fault("gcp", "14:00-16:00", "stale by 180"),
    fault("buffer-atom", "17:00-18:00", "stale by 120"),
    fault("circleci", "04:00-05:00", "malformed"),  # and nothing else is listed
    fault("google-workspace", "04:00-06:00", "emptied"),
    fault("*", "18:00-19:20", "drops"),  # our own way out
)

# When each is open in our ledger; nothing else ever is.
LIVES = {
    "Pushes fail": "07:20-10:20",
    "DNS is slow": "02:20-05:20",
    "Requests fail": "11:20-14:20",
    "Errors": "06:20-08:00 09:20-11:20",
    "Droplets in FRA1 are away": "01:20-04:20",
    "Billing pages fail": "02:20-06:40",
    "Clones are slow": "05:20-09:40",
    "Saving fails": "12:20-15:40",
    "Boards are empty": "08:20-12:00",
    "Pages do not open": "11:20-16:20",
    "Builds hang": "05:00-08:00",
    "Blogs are away": "06:00-06:00",
    "Texts arrive late": "07:20-12:40",
    "Deploys fail": "11:40-14:00",
    "Events are late": "09:20-11:00",
    "Installs fail": "05:20-10:20",  # what left a list that can be read but in part may be in the other part
    "Search fails": "08:40-12:20",
    "Machines in West Europe": "10:20-16:40",
    "Increased Error Rates": "07:20-15:20",
    "Cloud Run fails": "13:20-17:20",
    "Messages are late": "20:20-22:20",
    "Search is slow": "01:20-03:20",
    "Nodes do not boot": "14:20-17:20",
    "The hub is down": "12:20-13:40",
    "Pages are late": "05:20-09:00",
    "Payments fail": "21:20-",
    "A host is being replaced": "00:00-",
    "Vaults are sealed": "03:20-06:00",
    "Posts are late": "13:20-17:00",
    "Logs are late": "14:20-19:40",  # a new worker does not know what the last one missed, and looks twice
    "Sync is down": "19:20-20:20",
    "Pages load slowly": "16:20-19:20",
    "Database maintenance": "00:00-04:00",
}

# Whose texts are not all of its posts: what a page says last and lists no more, and what is one text that is replaced.
TEXTS = {
    "Pages do not open": ["Pages do not open.", "We know why."],
    "Machines in West Europe": ["Few machines do not start."],
    "Payments fail": ["Some payments fail."],
}

# The one text of an event that is replaced, where that is no edit of a post.
REPLACED = {("Payments fail", "Payments fail.", "Some payments fail.")}

# Whose status goes back: it was over.
REOPENED = ["Errors"]

# When Fogbell says that it is blind.
BLIND = {
    "google-workspace": "04:40-06:00",
    "zoom": "01:40-02:00 03:00-03:20",
    "linear": "02:40-04:00",
    "dropbox": "06:40-08:00",
    "hugging-face": "06:40-08:00",
    "vercel": "02:40-05:00",
    "automattic": "04:40-06:00",
    "pagerduty": "06:40-09:00",
    "twilio": "08:40-10:00",
    "reddit": "10:40-12:00",
    "netlify": "12:40-14:00",
    "confluence": "13:40-16:00",
    "datadog": "15:40-17:00",
    "asana": "16:40-21:00",
    "*": "18:40-19:20",
    "gcp": "20:40-22:00",
    "discord": "20:40-21:00",
    "circleci": "04:40-05:00 22:40-23:40",
}

# How far each source is believed; all others only know our own outage.
OUTAGE = "18:20 late, 19:00 unreachable, 19:20 fresh"
TRUST = {
    "vercel": f"02:20 late, 03:00 unreachable, 05:00 fresh, {OUTAGE}",
    "automattic": "04:20 late, 05:00 unreachable, 06:00 fresh, 10:00 fresh partly_read, 12:00 fresh, "
    + OUTAGE,
    "zoom": f"01:20 late, 02:00 fresh, 02:40 late, 03:20 fresh, {OUTAGE}",
    "linear": f"02:20 late, 03:00 unreachable, 04:00 fresh, {OUTAGE}",
    "dropbox": f"06:20 late, 07:00 changed, 08:00 fresh, {OUTAGE}",
    "hugging-face": f"06:20 late, 07:00 changed, 08:00 fresh, {OUTAGE}",
    "pagerduty": f"06:20 late, 07:00 changed, 09:00 fresh, {OUTAGE}",
    "google-workspace": f"04:20 late, 05:00 changed, 06:00 fresh, {OUTAGE}",
    "twilio": f"08:20 late, 09:00 unreachable, 10:00 fresh, {OUTAGE}",
    "reddit": f"10:20 late, 11:00 unreachable, 12:00 fresh, {OUTAGE}",
    "netlify": f"12:20 late, 13:00 changed, 14:00 fresh, {OUTAGE}",
    "confluence": f"13:20 late, 14:00 unreachable, 16:00 fresh, {OUTAGE}",
    "datadog": f"15:20 late, 16:00 changed, 17:00 fresh, {OUTAGE}",
    "asana": "16:20 late, 17:00 unreachable, 21:00 fresh",
    "gcp": f"{OUTAGE}, 20:20 late, 21:00 changed, 22:00 fresh",
    "discord": f"{OUTAGE}, 20:20 late, 21:00 fresh",
    "circleci": f"04:20 late, 05:00 fresh, {OUTAGE}, 22:20 late, 23:00 unreachable, 23:40 fresh",
    "aws": f"08:20 late, 09:00 unreachable, 10:00 fresh, {OUTAGE}",
    "buffer": f"14:20 late, 15:00 unreachable, 16:40 unreachable disagrees, 17:00 fresh, {OUTAGE}",
    "buffer-atom": f"16:40 fresh disagrees, 17:00 fresh, {OUTAGE}",
    "azure": f"11:40 fresh disagrees, 15:00 fresh, {OUTAGE}",
    "azure-front": f"11:40 fresh disagrees, 15:00 fresh, {OUTAGE}",
    "npm": f"06:00 fresh partly_read, 10:00 fresh, {OUTAGE}",
    "sentry": "03:00 fresh moved, 18:20 late moved, 19:00 unreachable moved, 19:20 fresh moved",
    "linode": "00:00 fresh zombie, 18:20 late zombie, 19:00 unreachable zombie, 19:20 fresh zombie",
}


def scripted() -> list[Source]:
    """The sources that the tables speak of."""
    found = []
    for name, words in SCRIPTED.items():
        kind, _, provider = words.partition(" of ")
        told = tuple(each for each in STORIES if each.provider == (provider or name))
        found.append(Source(name=name, provider=provider or name, layout=LAYOUTS[kind], stories=told))
    return found


def quiet() -> list[Source]:
    """Pages of the catalogue on which nothing happens."""
    kinds = {
        "statuspage": "summary",
        "statusio": "statusio",
        "instatus": "quiet",
        "betterstack": "betterstack",
    }
    layouts = LAYOUTS | {"quiet": LAYOUTS["instatus"].beside_others()}
    return [
        Source(name=entry.name, provider=entry.name, layout=layouts[kinds[entry.feeds[0].format]])
        for entry in catalogue.entries()
        if entry.feeds and entry.feeds[0].format in kinds and entry.name not in SCRIPTED
    ][: SOURCES - len(SCRIPTED)]
