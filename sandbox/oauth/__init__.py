"""The sandbox's OAuth 2.0 authorization servers, one for each platform; Authlib decides, these modules store and show.

Nothing of it knows the site: it is one more client, registered in `definitions`.
"""
