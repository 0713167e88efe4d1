DELETE FROM survey_reply WHERE survey = $1
