callback({
    "global_info": "",
    "global_status": "good",
    "global_verbose_status": "All systems go",
    "services": {
        "wiki": {
            "message": "Everything seems to be working.",
            "name": "Acme Wiki",
            "status": "good",
            "url": "https://wiki.acme.example/"
        }
    }
});