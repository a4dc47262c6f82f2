document.title = "racy";
