// The words of the page. What the console's table and the server say of a mix is in English.

const TEXTS = {
  en: {
    hearing: "Hearing", settings: "Settings", work: "Work", version: "What is heard", language: "Language",
    play: "Play", stop: "Stop", raw: "Raw", predicted: "Predicted", mix: "Mix", reference: "Reference",
    amount: "Amount", undo: "Undo", redo: "Redo", to_prediction: "Back to the prediction", predict: "Predict",
    render: "Render the song", save: "Save the preset", to_desk: "To a desk", more: "Files, loop, snapshots", files: "Files",
    add_stems: "Add stems", take_reference: "Take as reference", load_preset: "Load a preset", loop: "Loop", begins_at: "Begins at",
    lasts: "Lasts", take: "Take", snapshots: "Snapshots", name: "Name", remember: "Remember", recall: "Recall", forget: "Remove",
    desk_address: "Address of the DAW or mixer", with_faders: "Move faders, too", make_plan: "Show the plan",
    push: "Push", undo_push: "Undo the last push", nothing_yet: "Nothing is open yet.",
    drop_here: "Drop stems here: audio files, one a track. Then take a finished song as reference, and predict.",
    mixer: "Mixer", strip: "Selected strip", eq_picture: "Equalizer: arrow keys move a node, Page Up and Page Down change its Q",
    job_predict: "predict", "job_predict over time": "predict over time", job_render: "render", job_plan: "plan", job_push: "push", "job_undo push": "undo push",
    blend: "Blend", between: "Between", and: "and", position: "Position", session_file: "Session file", format: "Format", write: "Write",
    session_hint: "A copy of the session that was opened, or a new DAWproject with the audio inside.", job_session: "session file",
    engine_there: "This is what plays at", engine_away: "The live engine does not answer; the page takes its settings when it is back:",
    engine_wait: "Waiting for the live engine at",
    eq: "Equalizer", low_cut: "Low cut", high_cut: "High cut", trim: "Trim", send: "Sends", match: "Match curve", ducking: "Ducking",
    over_time: "Over time", lane_shape: "Runs", lane_linear: "straight", lane_hold: "held", lane_add: "Add a point", lane_remove: "Remove the lane",
    predict_lanes: "Predict over time", lane_every: "every", lane_point: "Point", moves: "moves",
    lane_picture: "The setting over the song: arrow keys move a point, Shift and arrow keys by a second, Delete removes it",
    lane_hint: "Click to add a point, drag to move it, double click or Delete removes it. Moving the control moves the whole lane.",
    lane_none: "Stands still. Click in the picture to add a point.", lane_many: "This lane has too many points to be edited here.",
    law_of: "level out over level in, and how often each level comes", law_off: "off",
    gate: "Gate", compressor: "Compressor", deesser: "De-esser", saturation: "Saturation", let_go: "Let go: stems are added",
    fader: "Fader", pan: "Pan", mute: "Mute", solo: "Solo", master: "Master", bus: "Group", bypass: "Bypass",
    legend_raw: "grey dashes: raw", legend_mix: "blue: in the mix", legend_reference: "orange dots: reference",
    away: "The server does not answer. The page goes on by itself when it is back.", back: "The server is back.",
    rendered: "The song is rendered:", saved_as: "download", report: "report", working: "at work:", done: "done:",
    setting: "Setting", now: "Now", then: "Then", hint: "Double click or P: as predicted. Shift and double click or N: neutral.",
    reverb: "Reverb", delay: "Delay", no_prediction: "nothing was predicted yet", loaded: "taken:",
  },
  fr: {
    hearing: "Écoute", settings: "Réglages", work: "Travail", version: "Ce qu'on entend", language: "Langue",
    play: "Lire", stop: "Arrêter", raw: "Brut", predicted: "Prédit", mix: "Mixage", reference: "Référence",
    amount: "Dose", undo: "Annuler", redo: "Rétablir", to_prediction: "Revenir à la prédiction", predict: "Prédire",
    render: "Calculer le morceau", save: "Enregistrer le preset", to_desk: "Vers une console", more: "Fichiers, boucle, instantanés", files: "Fichiers",
    add_stems: "Ajouter des pistes", take_reference: "Prendre comme référence", load_preset: "Charger un preset", loop: "Boucle", begins_at: "Commence à",
    lasts: "Dure", take: "Prendre", snapshots: "Instantanés", name: "Nom", remember: "Retenir", recall: "Rappeler", forget: "Retirer",
    desk_address: "Adresse du logiciel ou de la console", with_faders: "Bouger aussi les faders", make_plan: "Montrer le plan",
    push: "Envoyer", undo_push: "Annuler le dernier envoi", nothing_yet: "Rien n'est encore ouvert.",
    drop_here: "Déposez des pistes ici : des fichiers audio, un par piste. Choisissez ensuite un morceau fini comme référence, puis prédisez.",
    mixer: "Table de mixage", strip: "Tranche choisie", eq_picture: "Égaliseur : les flèches déplacent un point, Page haut et Page bas changent son Q",
    job_predict: "prédiction", "job_predict over time": "prédiction dans le temps", job_render: "calcul du morceau", job_plan: "plan", job_push: "envoi", "job_undo push": "annulation de l'envoi",
    blend: "Mélange", between: "Entre", and: "et", position: "Position", session_file: "Fichier de session", format: "Format", write: "Écrire",
    session_hint: "Une copie de la session ouverte, ou un nouveau DAWproject avec l'audio.", job_session: "fichier de session",
    engine_there: "Voici ce qui joue à", engine_away: "Le moteur ne répond pas ; la page reprendra ses réglages quand il revient :",
    engine_wait: "En attente du moteur à",
    eq: "Égaliseur", low_cut: "Coupe-bas", high_cut: "Coupe-haut", trim: "Gain d'entrée", send: "Départs", match: "Courbe d'accord", ducking: "Retrait",
    over_time: "Dans le temps", lane_shape: "Tracé", lane_linear: "droit", lane_hold: "tenu", lane_add: "Ajouter un point", lane_remove: "Retirer la courbe",
    predict_lanes: "Prédire dans le temps", lane_every: "toutes les", lane_point: "Point", moves: "bouge",
    lane_picture: "Le réglage au fil du morceau : les flèches déplacent un point, avec Majuscule d'une seconde, Suppr le retire",
    lane_hint: "Cliquez pour ajouter un point, tirez pour le déplacer, double clic ou Suppr le retire. Bouger la commande bouge toute la courbe.",
    lane_none: "Immobile. Cliquez dans l'image pour ajouter un point.", lane_many: "Cette courbe a trop de points pour être modifiée ici.",
    law_of: "niveau de sortie selon l'entrée, et combien souvent chaque niveau vient", law_off: "hors service",
    gate: "Porte", compressor: "Compresseur", deesser: "Dé-esseur", saturation: "Saturation", let_go: "Lâchez : les pistes sont ajoutées",
    fader: "Fader", pan: "Panoramique", mute: "Muet", solo: "Solo", master: "Général", bus: "Groupe", bypass: "Contourner",
    legend_raw: "tirets gris : brut", legend_mix: "bleu : dans le mixage", legend_reference: "points orange : référence",
    away: "Le serveur ne répond pas. La page reprend d'elle-même quand il revient.", back: "Le serveur est de retour.",
    rendered: "Le morceau est calculé :", saved_as: "télécharger", report: "rapport", working: "en cours :", done: "fait :",
    setting: "Réglage", now: "Maintenant", then: "Ensuite", hint: "Double clic ou P : comme prédit. Majuscule et double clic ou N : neutre.",
    reverb: "Réverbération", delay: "Écho", no_prediction: "rien n'est encore prédit", loaded: "pris :",
  },
};

let language = "en";

export function say(key) {
  return TEXTS[language][key] ?? TEXTS.en[key] ?? key;
}

export function speak(chosen) {
  language = TEXTS[chosen] ? chosen : "en";
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  return language;
}
