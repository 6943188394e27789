jsonCallback({
 "services": [
  {
   "serviceName": "Photo Library",
   "redirectUrl": null,
   "events": []
  },
  {
   "serviceName": "Notebook",
   "redirectUrl": "https://apps.acme.example/notebook",
   "events": [
    {
     "usersAffected": "Some users are affected",
     "epochEndDate": null,
     "endDate": null,
     "messageId": "2000003001",
     "statusType": "Outage",
     "eventStatus": "ongoing",
     "epochStartDate": 1793088000000,
     "datePosted": "10/27/2026 02:10 PDT",
     "startDate": "10/27/2026 01:00 PDT",
     "message": "People cannot open notes."
    }
   ]
  },
  {
   "serviceName": "Sync",
   "redirectUrl": null,
   "events": [
    {
     "usersAffected": "Some users are affected",
     "epochEndDate": null,
     "endDate": null,
     "messageId": "2000003001",
     "statusType": "Outage",
     "eventStatus": "ongoing",
     "epochStartDate": 1793088000000,
     "datePosted": "10/27/2026 02:10 PDT",
     "startDate": "10/27/2026 01:00 PDT",
     "message": "People cannot open notes."
    },
    {
     "usersAffected": "Some users are affected",
     "epochEndDate": 1793005200000,
     "endDate": null,
     "messageId": null,
     "statusType": "Maintenance",
     "eventStatus": "completed",
     "epochStartDate": 1793001600000,
     "datePosted": "10/26/2026 02:10 PDT",
     "message": "It was slow for an hour."
    }
   ]
  }
 ]
});
